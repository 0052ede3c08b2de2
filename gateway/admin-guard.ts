import { BlockList, isIP } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Config } from "#lib/config.ts";
import { originMatcher } from "./http/cors.ts";
import type { Exchange } from "./http/exchange.ts";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Keeps pages in an operator's browser from driving the admin port, which may ask for no credentials: a page can send
 * forms to loopback addresses, and by DNS rebinding even read the answers.
 * @throws ConnectError permission_denied for a page of an origin that is not configured, or, on a loopback address, for a
 * name that is not one
 */
export function makeAdminGuard(admin: Config["serve"]["admin"], adminUrl: string | undefined): (exchange: Exchange) => void {
  const isAllowed = admin.cors.enabled ? originMatcher(admin.cors.allowed_origins) : () => false;
  const isLoopback = admin.host === "localhost" || isLoopbackAddress(admin.host);
  const ownHost = adminUrl === undefined ? undefined : new URL(adminUrl).hostname;
  return ({ request }) => {
    const { origin, host = "", "sec-fetch-site": site } = request.headers;
    if (origin !== undefined && !isAllowed(origin)) throw new ConnectError("pages of other origins may not use this API: see serve.admin.cors", Code.PermissionDenied);
    if (origin === undefined && site === "cross-site") throw new ConnectError("pages of other origins may not use this API", Code.PermissionDenied);
    if (!isLoopback) return;
    const name = host.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    if (name !== "localhost" && !name.endsWith(".localhost") && name !== ownHost && !isLoopbackAddress(name)) throw new ConnectError("the Host header is not that of a loopback address", Code.PermissionDenied);
  };
}

function isLoopbackAddress(host: string): boolean {
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 4 ? "ipv4" : "ipv6");
}
