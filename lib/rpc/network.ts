import * as http from "node:http";
import * as https from "node:https";
import { create, type DescMessage, type DescMethodStreaming, type DescMethodUnary, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Pool } from "undici";
import { type HeadersInput, plainHeaders } from "./headers.ts";
import { post, readAnswer } from "./lean-client.ts";

/** Where core is and how to prove oneself there. */
export interface NetworkOptions {
  /** `http://host:port` or `https://host:port`; a path is put before those of the methods. */
  readonly baseUrl: string;
  /** Bearer token of the gateway. A call that brings an authorization of its own is sent with that instead. */
  readonly token?: string;
  /** Certificates that core's is checked against, PEM. Without it: the system's. */
  readonly ca?: string;
  /** The gateway's own certificate and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** Milliseconds that a unary call without a deadline of its own may take. 10,000 unless set. */
  readonly timeoutMs?: number;
}

/** A transport with connections of its own. */
export interface NetworkTransport extends Transport {
  close(): void;
}

/** Milliseconds. */
const DEADLINE = 10_000;
const CONNECT_TIMEOUT = 3000;
/** Less than core keeps an idle connection: who closes first is never surprised. Milliseconds. */
const KEEP_ALIVE = 4000;
/** Connections to one core. Each carries one call at a time. */
const CONNECTIONS = 128;

const NO_HEADERS = Object.freeze(new Headers());

/**
 * A transport to a core in another process: unary calls in Connect's wire format with binary messages over kept-alive
 * HTTP/1.1, by hand, since that costs a fraction of Connect's own client (docs/adr/0003-transport.md); streams by Connect.
 * A call whose connection broke is sent once more only if its method is marked as idempotent: the first may have counted.
 */
export function createNetworkTransport(options: NetworkOptions): NetworkTransport {
  const { baseUrl, token, ca, cert, key, timeoutMs: usualTimeout = DEADLINE } = options;
  const { origin, pathname, protocol } = new URL(baseUrl);
  const prefix = pathname.replace(/\/$/, "");
  const tls = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  const pool = new Pool(origin, { connections: CONNECTIONS, pipelining: 1, keepAliveTimeout: KEEP_ALIVE, connect: { timeout: CONNECT_TIMEOUT, ...tls } });
  const agent = protocol === "https:" ? new https.Agent(tls) : new http.Agent();
  const streams = createConnectTransport({ baseUrl: origin + prefix, httpVersion: "1.1", nodeOptions: { agent } });
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  const headersOf = (header: HeadersInput): Record<string, string> => {
    const headers = plainHeaders(header);
    if (authorization !== undefined) headers.authorization ??= authorization;
    return headers;
  };

  return {
    async unary<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInput,
      input: MessageInitShape<I>,
    ): Promise<UnaryResponse<I, O>> {
      const headers = headersOf(header);
      headers["content-type"] = "application/proto";
      headers["connect-protocol-version"] = "1";
      if (timeoutMs !== undefined) headers["connect-timeout-ms"] = String(Math.max(0, Math.ceil(timeoutMs)));
      const body = toBinary(method.input, create(method.input, input));
      const request = { path: `${prefix}/${method.parent.typeName}/${method.name}`, headers, body };
      const limit = timeoutMs ?? usualTimeout;
      let outcome = await post(pool, request, limit, signal);
      if (outcome.kind === "lost" && outcome.sent && method.idempotency !== Idempotency.IDEMPOTENCY_UNKNOWN) outcome = await post(pool, request, limit, signal);
      if (outcome.kind === "lost") throw new ConnectError("core cannot be reached", Code.Unavailable, undefined, undefined, outcome.error);
      return { stream: false, service: method.parent, method, header: NO_HEADERS, trailer: NO_HEADERS, message: read(method, readAnswer(outcome)) };
    },
    stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInput,
      input: AsyncIterable<MessageInitShape<I>>,
    ): Promise<StreamResponse<I, O>> {
      return streams.stream(method, signal, timeoutMs, headersOf(header), input);
    },
    close() {
      agent.destroy();
      void pool.destroy();
    },
  };
}

function read<I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>, body: Uint8Array): UnaryResponse<I, O>["message"] {
  try {
    return fromBinary(method.output, body);
  } catch (error) {
    throw new ConnectError(`core's answer is no ${method.output.typeName}`, Code.Internal, undefined, undefined, error);
  }
}
