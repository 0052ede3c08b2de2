import * as http from "node:http";
import * as https from "node:https";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { readTls } from "#lib/rpc/tls.ts";

/** A port that is listened on. */
export interface Listener {
  readonly url: string;
  /** Stops listening, lets requests under way end for at most so many milliseconds, then cuts them. */
  close(graceMillis: number): Promise<void>;
}

/** A request head must be here after so long, and the whole request after so long. Milliseconds. */
const HEADERS_TIMEOUT = 5000;
const REQUEST_TIMEOUT = 30_000;
const MAX_HEADER_BYTES = 32_768;

/** Listens on one port. @throws Error with one line for the operator when it cannot */
export async function listen(name: "public" | "admin", { host, port, tls: tlsConfig }: Config["serve"]["public"], log: Log, onRequest: http.RequestListener): Promise<Listener> {
  const tls = readTls(name, tlsConfig);
  const options = { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 65_000, noDelay: true };
  const server = tls === undefined ? http.createServer(options, onRequest) : https.createServer({ ...options, ...tls }, onRequest);
  server.on("clientError", (_error, socket) => {
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(error.code === "EADDRINUSE" ? new Error(`serve.${name}.port ${port} is taken: set another, such as SERVE_${name.toUpperCase()}_PORT=${port + 10}`) : error));
    if (host.startsWith("unix:")) server.listen(host.slice(5), resolve);
    else server.listen({ host, port }, resolve);
  });
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : 0;
  const url = host.startsWith("unix:") ? host : `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${actual}`;
  log.info("server_listening", { listener: name, url });
  return {
    url,
    async close(graceMillis) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const idle = setInterval(() => server.closeIdleConnections(), 50);
      const cut = setTimeout(() => server.closeAllConnections(), graceMillis);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}
