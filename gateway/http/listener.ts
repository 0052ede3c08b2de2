import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { listenAt } from "#lib/rpc/listen.ts";
import { readTls } from "#lib/rpc/tls.ts";
import { reloadTls } from "#lib/rpc/tls-reload.ts";
import { sortByHandshake } from "./proxies.ts";

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
export async function listen(name: "public" | "admin", config: Config["serve"]["public"], log: Log, onRequest: http.RequestListener): Promise<Listener> {
  const server = makeServer(name, config, onRequest);
  server.on("clientError", refuse);
  const url = await listenAt(name, server, config, server instanceof https.Server);
  const stopLooking = server instanceof https.Server ? reloadTls(name, config.tls, server, log) : () => {};
  log.info("server_listening", { listener: name, url });
  return {
    url,
    close(graceMillis) {
      stopLooking();
      return close(server, graceMillis);
    },
  };
}

/** With TLS, without, or with both on one port where a proxy may end TLS: then no certificate is needed. */
function makeServer(name: string, { tls: tlsConfig }: Config["serve"]["public"], onRequest: http.RequestListener): http.Server | https.Server {
  const takesPlain = tlsConfig.allow_termination_from.length > 0;
  const hasCertificate = tlsConfig.cert.path !== undefined || tlsConfig.cert.base64 !== undefined;
  const tls = takesPlain && !hasCertificate ? undefined : readTls(name, tlsConfig);
  if (tls === undefined) return http.createServer(LIMITS, onRequest);
  const server = https.createServer({ ...LIMITS, ...tls }, onRequest);
  if (!takesPlain) return server;
  const [handshake] = server.listeners("connection");
  if (handshake === undefined) throw new Error("node:https has changed the way it takes connections");
  // To node:http both are connections of one server, with its limits and its bookkeeping.
  const speakers = { tls: (socket: Socket): void => handshake.call(server, socket), plain: (socket: Socket): void => void server.emit("secureConnection", socket) };
  return server.off("connection", handshake as () => void).on("connection", (socket: Socket) => sortByHandshake(socket, speakers, LIMITS.headersTimeout));
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
