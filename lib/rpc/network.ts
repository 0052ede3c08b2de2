import { create, type DescMessage, type DescMethodStreaming, type DescMethodUnary, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { codeFromHttpStatus, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { errors, Pool, type Dispatcher as UndiciDispatcher } from "undici";

type HeadersInput = ConstructorParameters<typeof Headers>[0];

/** Where core is and how to prove oneself there. */
export interface NetworkOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly baseUrl: string;
  /** Bearer token of the gateway. A call that brings an authorization of its own is sent with that instead. */
  readonly token?: string;
  /** Certificates that core's is checked against, PEM. Without it: the system's. */
  readonly ca?: string;
  /** The gateway's own certificate and key, PEM. */
  readonly cert?: string;
  readonly key?: string;
}

/** A transport with connections of its own. */
export interface NetworkTransport extends Transport {
  close(): void;
}

/** Milliseconds. A caller waits for no answer longer than this; a connection is not waited for longer than that. */
const DEADLINE = 10_000;
const CONNECT_TIMEOUT = 3000;
/** Connections to one core. Each carries one call at a time. */
const CONNECTIONS = 128;

const NO_HEADERS = new Headers();

/**
 * A transport to a core in another process: unary calls in Connect's wire format with binary messages over kept-alive
 * HTTP/1.1, by hand, since that costs a quarter of Connect's own client (docs/adr/0003-transport.md); streams by Connect.
 * A call is sent once: whether it may be repeated is for those to decide who know what it does.
 */
export function createNetworkTransport(options: NetworkOptions): NetworkTransport {
  const { baseUrl, token, ca, cert, key } = options;
  const tls = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  const pool = new Pool(new URL(baseUrl).origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    keepAliveTimeout: 4000,
    headersTimeout: DEADLINE,
    bodyTimeout: DEADLINE,
    connect: { timeout: CONNECT_TIMEOUT, ...tls },
  });
  const authorization = token === undefined ? undefined : `Bearer ${token}`;
  const streams = createConnectTransport({ baseUrl, httpVersion: "1.1", nodeOptions: tls });
  const headersOf = (header: HeadersInput): Record<string, string> => {
    const headers: Record<string, string> = { "content-type": "application/proto", "connect-protocol-version": "1" };
    if (authorization !== undefined) headers.authorization = authorization;
    for (const [name, value] of Object.entries((header ?? {}) as Record<string, string | undefined>)) if (value !== undefined) headers[name] = value;
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
      if (timeoutMs !== undefined) headers["connect-timeout-ms"] = String(Math.ceil(timeoutMs));
      const body = toBinary(method.input, create(method.input, input));
      const bytes = await exchange(
        pool,
        {
          path: `/${method.parent.typeName}/${method.name}`,
          method: "POST",
          headers,
          body,
          ...(timeoutMs === undefined ? {} : { headersTimeout: timeoutMs, bodyTimeout: timeoutMs }),
        },
        signal,
      );
      return { stream: false, service: method.parent, method, header: NO_HEADERS, trailer: NO_HEADERS, message: fromBinary(method.output, bytes) };
    },
    stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInput,
      input: AsyncIterable<MessageInitShape<I>>,
    ): Promise<StreamResponse<I, O>> {
      const { "content-type": _type, "connect-protocol-version": _version, ...headers } = headersOf(header);
      return streams.stream(method, signal, timeoutMs, headers, input);
    },
    close: () => void pool.destroy(),
  };
}

/** Sends a request and returns the body of a good answer. @throws ConnectError for every other outcome */
function exchange(pool: Pool, request: UndiciDispatcher.DispatchOptions, signal: AbortSignal | undefined): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let status = 0;
    let type = "";
    let give: (() => void) | undefined;
    const done = () => give !== undefined && signal?.removeEventListener("abort", give);
    pool.dispatch(request, {
      onRequestStart(controller) {
        if (signal === undefined) return;
        give = () => controller.abort(new ConnectError("the caller gave up", Code.Canceled));
        if (signal.aborted) give();
        else signal.addEventListener("abort", give);
      },
      onResponseStart(_controller, statusCode, headers) {
        status = statusCode;
        type = String(headers["content-type"] ?? "");
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        done();
        const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
        if (status === 200 && type === "application/proto") return resolve(bytes);
        const fallback = new ConnectError(`core answered with status ${status}`, status === 200 ? Code.Internal : codeFromHttpStatus(status));
        reject(type.startsWith("application/json") ? errorFrom(bytes, fallback) : fallback);
      },
      onResponseError(_controller, error) {
        done();
        reject(toConnectError(error));
      },
    });
  });
}

function errorFrom(bytes: Uint8Array, fallback: ConnectError): ConnectError {
  try {
    return errorFromJsonBytes(bytes, undefined, fallback);
  } catch {
    return fallback;
  }
}

function toConnectError(error: Error): ConnectError {
  if (error instanceof ConnectError) return error;
  const late = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return new ConnectError(late ? "core did not answer in time" : "core cannot be reached", late ? Code.DeadlineExceeded : Code.Unavailable, undefined, undefined, error);
}
