import { hash } from "node:crypto";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as net from "node:net";
import type { TLSSocket } from "node:tls";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import type { Dispatcher, IncomingCall } from "#lib/rpc/call.ts";
import { makeLeanHandler } from "#lib/rpc/lean-server.ts";
import { readTls } from "#lib/rpc/tls.ts";
import { makeConnectHandler } from "./connect-handler.ts";

/** The RPC port. */
export interface RpcServer {
  /** Where it listens, with the port that it got. */
  readonly url: string;
  /** Stops listening, lets requests under way end for at most so many milliseconds, then cuts them. */
  close(graceMillis: number): Promise<void>;
}

/** What the RPC port is made of. */
export interface RpcServerOptions {
  readonly config: Pick<Config, "serve">;
  readonly dispatcher: Dispatcher;
  readonly log: Log;
}

/** A batch of 1,000 tokens fits well; nothing larger is ever meant. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
/** A peer that has not sent this much of a request in this time is cut off. Milliseconds. */
const HEADERS_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 30_000;
const PREFACE = "PRI * HTTP/2.0";

/** Serves Connect, gRPC and gRPC-Web on one port: with TLS by ALPN, else by looking at the first bytes (RFC 9113 §3.3). */
export async function startRpcServer({ config, dispatcher, log }: RpcServerOptions): Promise<RpcServer> {
  const { host, port, tls: tlsConfig } = config.serve.rpc;
  const tls = readTls("rpc", tlsConfig);
  const stopping = new AbortController();
  const lean = makeLeanHandler(dispatcher, MAX_MESSAGE_BYTES);
  const connect = makeConnectHandler(dispatcher, { maxBytes: MAX_MESSAGE_BYTES, shutdown: stopping.signal, incomingCall, log });
  const onRequest = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    if (!lean(request, response, incomingCall(request))) connect(request, response);
  };
  const sessions = new Set<http2.ServerHttp2Session>();
  const sockets = new Set<net.Socket>();
  const track = (socket: net.Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
  };

  const plain = http.createServer({ requestTimeout: REQUEST_TIMEOUT, headersTimeout: HEADERS_TIMEOUT, keepAliveTimeout: 65_000 }, onRequest);
  const secure =
    tls === undefined
      ? undefined
      : http2.createSecureServer({ ...tls, allowHTTP1: true, requestTimeout: REQUEST_TIMEOUT, headersTimeout: HEADERS_TIMEOUT } as http2.SecureServerOptions);
  const framed = secure ?? http2.createServer();
  framed.on("request", (request, response) => {
    if (request.httpVersionMajor === 1) onRequest(request as unknown as http.IncomingMessage, response as unknown as http.ServerResponse);
    else connect(request, response);
  });
  framed.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session)).on("error", () => session.destroy());
  });
  // It never listens itself, and only when it does Node begins to watch its connections: for slow requests, and for idle ones to close.
  plain.emit("listening");
  const listener = secure ?? net.createServer((socket) => sortByPreface(socket, plain, framed));
  listener.on(secure === undefined ? "connection" : "secureConnection", track);
  await listen(listener, host, port);
  const url = addressUrl(listener.address(), host, tls !== undefined);
  log.info("server_listening", { listener: "rpc", url });

  return {
    url,
    async close(graceMillis) {
      stopping.abort();
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const session of sessions) session.close();
      plain.closeIdleConnections();
      // A kept-alive connection that is idle by now would hold the server open; one that works is given its time.
      const idle = setInterval(() => plain.closeIdleConnections(), 50);
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

/** Hands a connection to the server that speaks what its first bytes are. */
function sortByPreface(socket: net.Socket, plain: http.Server, framed: http2.Http2Server | http2.Http2SecureServer): void {
  socket.setTimeout(HEADERS_TIMEOUT, () => socket.destroy());
  let seen: Buffer = Buffer.alloc(0);
  const look = (): void => {
    const more: Buffer | null = socket.read();
    if (more !== null) seen = seen.length === 0 ? more : Buffer.concat([seen, more]);
    const text = seen.toString("latin1", 0, PREFACE.length);
    if (text.length < PREFACE.length && PREFACE.startsWith(text)) {
      if (!socket.readableEnded) socket.once("readable", look);
      return;
    }
    socket.unshift(seen);
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    (text === PREFACE ? framed : plain).emit("connection", socket);
  };
  socket.once("readable", look);
}

function incomingCall(request: http.IncomingMessage | http2.Http2ServerRequest, signal?: AbortSignal): IncomingCall {
  const { authorization, "x-request-id": requestId } = request.headers;
  const certificate = "getPeerX509Certificate" in request.socket ? (request.socket as TLSSocket).getPeerX509Certificate() : undefined;
  return {
    via: "network",
    authorization,
    certificateSha256: certificate === undefined ? undefined : hash("sha256", certificate.raw, "hex"),
    requestId: typeof requestId === "string" && /^[\w.-]{1,128}$/.test(requestId) ? requestId : undefined,
    signal,
  };
}

function listen(server: net.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? new Error(`serve.rpc.port ${port} is taken: set another, such as SERVE_RPC_PORT=${port + 1}`) : error),
    );
    server.listen({ host, port }, resolve);
  });
}

function addressUrl(address: ReturnType<net.Server["address"]>, host: string, secure: boolean): string {
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return `${secure ? "https" : "http"}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
