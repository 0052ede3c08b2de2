import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import type { Config } from "#lib/config.ts";
import { originMatcher } from "#lib/origin.ts";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Keeps pages in an operator's browser from driving the admin port, which may ask for no credentials: a page can send
 * forms to loopback addresses, and by DNS rebinding even read the answers. Says why a request is refused; undefined: it is not.
 */
export function makeAdminGuard({ serve: { admin }, access, urls }: Pick<Config, "serve" | "access" | "urls">): (request: IncomingMessage) => string | undefined {
  // Here an empty list is no `*`: whoever turns CORS on must say for which pages.
  const isAllowed = admin.cors.enabled && admin.cors.allowed_origins.length > 0 ? originMatcher(admin.cors.allowed_origins) : () => false;
  // A page that rebinds a name has no credentials to send; where they are asked for, a proxy may use any name.
  const asksForCredentials = access.tokens.length > 0 || access.certificates.length > 0 || admin.tls.client_ca !== undefined;
  const checksHost = !asksForCredentials && isLoopback(admin.host.replace(/^\[|\]$/g, ""));
  let lastGoodHost: string | undefined; // the same callers come again and again
  const ownNames = new Set([urls.self.admin].flatMap((url) => (url === undefined ? [] : [new URL(url).hostname])));
  return ({ headers: { origin, host, "sec-fetch-site": site } }) => {
    if (origin === undefined ? site === "cross-site" : !isAllowed(origin)) return "pages of other origins may not use this API; see serve.admin.cors";
    if (!checksHost || host === undefined || host === lastGoodHost) return undefined; // browsers always send one
    const name = host
      .toLowerCase()
      .replace(/:\d+$/, "")
      .replace(/^\[|\]$/g, "");
    if (!isLoopback(name) && !ownNames.has(name)) return "the Host header names no loopback address; see urls.self.admin";
    lastGoodHost = host;
    return undefined;
  };
}

function isLoopback(host: string): boolean {
  if (host === "localhost" || host.endsWith(".localhost")) return true; // RFC 6761 §6.3: never anything else
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}
