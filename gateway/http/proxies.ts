import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Config } from "#lib/config.ts";
import { networks } from "#lib/networks.ts";

/** What a port knows of the proxies in front of it. */
export interface Proxies {
  /** Whose request it is: the peer's, or what a trusted proxy says. */
  peerAddress(request: IncomingMessage): string;
  /** Why a request without TLS is not served on a port that has TLS; undefined: it is. */
  refusal(request: IncomingMessage, path: string): string | undefined;
}

/** Probes of load balancers speak no TLS. */
const PROBED = new Set(["/health/alive", "/health/ready"]);
/** More hops than anybody has; what a client writes itself stands in front of them. */
const MAX_HOPS = 32;

/**
 * Believes `X-Forwarded-For` and `X-Forwarded-Proto` of peers in `tls.allow_termination_from` alone: from anybody else they are what
 * the client wished to be believed. Whoever can open a socket file is such a peer.
 */
export function makeProxies(name: "public" | "admin", { host, tls }: Config["serve"]["public"]): Proxies {
  const isProxy = networks(tls.allow_termination_from);
  const isTrusted = (address: string | undefined): boolean => (address === undefined ? host.startsWith("unix:") : isProxy(address));
  const looks = tls.allow_termination_from.length > 0 || host.startsWith("unix:");
  return {
    peerAddress({ socket: { remoteAddress }, headers: { "x-forwarded-for": forwarded } }) {
      if (!looks || forwarded === undefined || !isTrusted(remoteAddress)) return remoteAddress ?? "";
      const hops = String(forwarded)
        .split(",")
        .slice(-MAX_HOPS)
        .map((each) => each.trim());
      // Each proxy adds who spoke to it at the end: the last that is none of ours is the peer.
      return hops.findLast((hop) => !isProxy(hop)) ?? hops[0] ?? "";
    },
    refusal({ socket, headers }, path) {
      if (!tls.enabled || isSecure(socket) || (name === "public" && PROBED.has(path))) return undefined;
      if (!isTrusted(socket.remoteAddress)) return "this port speaks https; who ends TLS in front of it has to be in tls.allow_termination_from";
      return headers["x-forwarded-proto"] === "https" ? undefined : "the proxy does not say by X-Forwarded-Proto that it was spoken to by https";
    },
  };
}

function isSecure(socket: Socket): boolean {
  return socket instanceof TLSSocket;
}

/** First byte of a TLS handshake (RFC 8446 §5.1); no HTTP request begins so. */
const HANDSHAKE = 0x16;

/** Tells by its first byte whether a connection speaks TLS. Who has sent none after `timeout` milliseconds is cut off. */
export function sortByHandshake(socket: Socket, { tls, plain }: { tls(socket: Socket): void; plain(socket: Socket): void }, timeout: number): void {
  const cut = (): void => void socket.destroy();
  const timer = setTimeout(cut, timeout);
  const look = (): void => {
    const first = socket.read() as Buffer | null;
    if (first === null) return;
    clearTimeout(timer);
    socket.off("readable", look).off("end", cut);
    socket.unshift(first);
    if (first[0] === HANDSHAKE) tls(socket);
    else plain(socket);
  };
  socket.on("readable", look).on("end", cut).on("error", cut);
  socket.once("close", () => clearTimeout(timer));
}
