import type { CheckOriginRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import { getClient } from "../store/clients.ts";
import { findLiveToken, type IntrospectDeps } from "../token/introspect.ts";
import { MAX_CLIENT_ID } from "./authenticate.ts";

/**
 * Whether a client has registered an origin (`allowed_cors_origins`): to the letter, by a leading `*.` for one label, or `*`.
 * The client is named by the request itself, or by its access token.
 */
export async function isAllowedOrigin(deps: IntrospectDeps, { origin, clientId: named, accessToken }: CheckOriginRequest, now: EpochMillis): Promise<boolean> {
  const clientId = named || (await findLiveToken(deps, accessToken, now))?.facts.clientId || "";
  if (clientId === "" || clientId.length > MAX_CLIENT_ID) return false;
  const client = await getClient(deps.db, deps.issuer, clientId);
  const wanted = origin.toLowerCase();
  return client?.record.client.allowedCorsOrigins.some((each) => stands(each.toLowerCase().replace(/\/$/, ""), wanted)) ?? false;
}

function stands(registered: string, origin: string): boolean {
  if (registered === "*" || registered === origin) return true;
  const [before, after] = registered.split("://*.");
  if (before === undefined || after === undefined || !origin.startsWith(`${before}://`) || !origin.endsWith(`.${after}`)) return false;
  return /^[a-z0-9-]+$/.test(origin.slice(before.length + 3, -after.length - 1));
}
