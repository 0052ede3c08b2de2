import { hash } from "node:crypto";
import * as http from "node:http";
import * as http2 from "node:http2";
import type { Server, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import type { Dispatcher } from "#lib/rpc/call.ts";
import { makeLeanHandler, type Origin } from "#lib/rpc/lean-server.ts";
import { listenAt } from "#lib/rpc/listen.ts";
import { readTls } from "#lib/rpc/tls.ts";
import { reloadTls } from "#lib/rpc/tls-reload.ts";
import { makeConnectHandler } from "./connect-handler.ts";
import { sortByPreface } from "./preface.ts";

/** The RPC port. */
export interface RpcServer {
  /** Where it listens, with the port that it got. */
  readonly url: string;
  /** Stops listening, lets requests under way end for at most so many milliseconds, then cuts them. Streams end at once. */
  close(graceMillis: number): Promise<void>;
}

/** What the RPC port is made of. */
export interface RpcServerOptions {
  readonly config: Pick<Config, "serve">;
  readonly dispatcher: Dispatcher;
  readonly log: Log;
  /** Milliseconds that a peer may take. Tests are in a hurry. */
  readonly patience?: Patience;
}

/** Milliseconds that a peer may take for the head of a request or a TLS handshake, and for a whole request. */
export interface Patience {
  readonly headers: number;
  readonly request: number;
}

/** A batch of 1,000 tokens fits well; nothing larger is ever meant. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const PATIENCE: Patience = { headers: 10_000, request: 30_000 };
const KEEP_ALIVE = 65_000;
/** Requests that one HTTP/2 connection may have under way, and milliseconds that it may be silent for. */
const FRAMED_LIMITS = { settings: { maxConcurrentStreams: 256 } } as const;
const SESSION_TIMEOUT = 300_000;

/** Serves Connect, gRPC and gRPC-Web on one port: with TLS by ALPN, else by looking at the first bytes (RFC 9113 §3.3). */
export async function startRpcServer({ config, dispatcher, log, patience = PATIENCE }: RpcServerOptions): Promise<RpcServer> {
  const { tls: tlsConfig } = config.serve.rpc;
  const tls = readTls("rpc", tlsConfig);
  const stopping = new AbortController();
  const lean = makeLeanHandler(dispatcher, { maxBytes: MAX_MESSAGE_BYTES, log });
  const connect = makeConnectHandler(dispatcher, { maxBytes: MAX_MESSAGE_BYTES, shutdown: stopping.signal, originOf, log });
  const onRequest = (request: http.IncomingMessage | http2.Http2ServerRequest, response: http.ServerResponse | http2.Http2ServerResponse): void => {
    if (!lean(request, response, originOf(request))) connect(request, response);
  };
  const { listener, framed } = tls === undefined ? clearText(onRequest, patience) : encrypted(tls, onRequest, patience);
  const sessions = new Set<http2.ServerHttp2Session>();
  framed
    .on("request", (request) => limitRequest(request, patience))
    .on("session", (session) => {
      sessions.add(session);
      session.on("close", () => sessions.delete(session)).on("error", () => session.destroy());
      session.setTimeout(SESSION_TIMEOUT, () => session.close());
    });
  const sockets = new Set<Socket>();
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  });
  const url = await listenAt("rpc", listener, config.serve.rpc, tls !== undefined);
  const stopLooking = tls === undefined ? () => {} : reloadTls("rpc", tlsConfig, framed as http2.Http2SecureServer, log);
  log.info("server_listening", { listener: "rpc", url });

  return {
    url,
    async close(graceMillis) {
      stopLooking();
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      stopping.abort(new ConnectError("the server stops", Code.Unavailable));
      for (const session of sessions) session.close(); // GOAWAY; requests under way go on (RFC 9113 §6.8)
      // A kept-alive connection that is idle by now, or later, would hold the server open.
      const idle = setInterval(() => listener.closeIdleConnections(), 50);
      const cut = setTimeout(() => {
        for (const session of sessions) session.destroy();
        for (const socket of sockets) socket.destroy();
      }, graceMillis);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}

type OnRequest = (request: http.IncomingMessage | http2.Http2ServerRequest, response: http.ServerResponse | http2.Http2ServerResponse) => void;

interface Listener {
  readonly listener: Server & { closeIdleConnections(): void };
  /** Emits what concerns HTTP/2. */
  readonly framed: http2.Http2Server | http2.Http2SecureServer;
}

/** The HTTP/1.1 server listens, so that its limits and its bookkeeping hold; connections that speak HTTP/2 are given away. */
function clearText(onRequest: OnRequest, patience: Patience): Listener {
  const framed = http2.createServer(FRAMED_LIMITS, onRequest);
  const listener = http.createServer(limits(patience), onRequest);
  const [speakHttp1] = listener.listeners("connection");
  if (speakHttp1 === undefined) throw new Error("node:http has changed the way it takes connections");
  const http1 = (socket: Socket): void => speakHttp1.call(listener, socket);
  const http2Speaker = (socket: Socket): void => {
    socket.allowHalfOpen = false; // node:http wants it, node:http2 does not
    framed.emit("connection", socket);
  };
  listener.off("connection", speakHttp1 as () => void).on("connection", (socket) => sortByPreface(socket, { http1, http2: http2Speaker }, patience.headers));
  return { listener, framed };
}

function encrypted(tls: http2.SecureServerOptions, onRequest: OnRequest, patience: Patience): Listener {
  const server = http2.createSecureServer(
    { ...limits(patience), ...FRAMED_LIMITS, ...tls, allowHTTP1: true, handshakeTimeout: patience.headers } as http2.SecureServerOptions,
    onRequest,
  );
  return { listener: server as unknown as Listener["listener"], framed: server };
}

function limits({ headers, request }: Patience): http.ServerOptions {
  return { headersTimeout: headers, requestTimeout: request, connectionsCheckingInterval: Math.min(1000, headers), keepAliveTimeout: KEEP_ALIVE, noDelay: true };
}

/** What node:http does by itself: a request that is not here in time is cut off. */
function limitRequest(request: http2.Http2ServerRequest, patience: Patience): void {
  if (request.httpVersionMajor < 2) return;
  const { stream } = request;
  const timer = setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), patience.request);
  const stop = (): void => clearTimeout(timer);
  stream.once("end", stop).once("close", stop);
}

/** Digests of client certificates, by connection. */
const certificates = new WeakMap<object, string>();

function originOf(request: http.IncomingMessage | http2.Http2ServerRequest): Origin {
  const { authorization, "x-request-id": requestId } = request.headers;
  return {
    via: "network",
    authorization,
    certificateSha256: certificateOf("stream" in request ? request.stream.session?.socket : request.socket),
    requestId: typeof requestId === "string" && /^[\w.-]{1,128}$/.test(requestId) ? requestId : undefined,
  };
}

function certificateOf(socket: Socket | TLSSocket | undefined): string | undefined {
  // Of a socket under HTTP/2 one sees a proxy, for which instanceof holds.
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const known = certificates.get(socket);
  if (known !== undefined) return known;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const sha256 = hash("sha256", certificate.raw, "hex");
  certificates.set(socket, sha256);
  return sha256;
}
