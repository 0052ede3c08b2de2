import * as http from "node:http";
import * as https from "node:https";
import type { Duplex } from "node:stream";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { readTls } from "#lib/rpc/tls.ts";

/** A port that is listened on. */
export interface Listener {
  readonly url: string;
  /** Stops listening, lets requests under way end for at most so many milliseconds, then cuts them. */
  close(graceMillis: number): Promise<void>;
}

/** A request head must be here after so long, and the whole request after so long, looked at so often. Milliseconds. */
const LIMITS = { headersTimeout: 5000, requestTimeout: 30_000, connectionsCheckingInterval: 1000, keepAliveTimeout: 65_000, maxHeaderSize: 32_768, noDelay: true } as const;

/** What is said where no request could be read. What is not here is 400. */
const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large", // RFC 6585 §5
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout", // RFC 9110 §15.5.9
};

/** Listens on one port. @throws Error with one line for the operator when it cannot */
export async function listen(name: "public" | "admin", { host, port, tls: tlsConfig }: Config["serve"]["public"], log: Log, onRequest: http.RequestListener): Promise<Listener> {
  const tls = readTls(name, tlsConfig);
  const server = tls === undefined ? http.createServer(LIMITS, onRequest) : https.createServer({ ...LIMITS, ...tls }, onRequest);
  server.on("clientError", refuse);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? new Error(`serve.${name}.port ${port} is taken: set another, such as SERVE_${name.toUpperCase()}_PORT=${port + 10}`) : error),
    );
    if (host.startsWith("unix:")) server.listen(host.slice(5), resolve);
    else server.listen({ host: host.replace(/^\[|\]$/g, ""), port }, resolve);
  });
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : 0;
  const url = host.startsWith("unix:") ? host : `${tls === undefined ? "http" : "https"}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${actual}`;
  log.info("server_listening", { listener: name, url });
  return { url, close: (graceMillis) => close(server, graceMillis) };
}

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") socket.destroy();
  else socket.end(`HTTP/1.1 ${STATUS_LINES[error.code ?? ""] ?? "400 Bad Request"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function close(server: http.Server | https.Server, graceMillis: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  // A connection that was busy and is kept alive becomes idle later.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), graceMillis);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}
