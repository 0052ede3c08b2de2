import type { CheckOriginRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { originMatcher } from "#lib/origin.ts";
import type { EpochMillis } from "#lib/time.ts";
import { getClient } from "../store/clients.ts";
import { findLiveToken, type IntrospectDeps } from "../token/introspect.ts";

/**
 * Whether a client has registered an origin (`allowed_cors_origins`), by the rules that the configured ones have. The client is
 * named by the request itself, or by its access token.
 */
export async function isAllowedOrigin(deps: IntrospectDeps, { origin, clientId: named, accessToken }: CheckOriginRequest, now: EpochMillis): Promise<boolean> {
  const clientId = named || (await findLiveToken(deps, accessToken, now))?.facts.clientId || "";
  const { allowedCorsOrigins = [] } = (await getClient(deps.db, deps.issuer, clientId))?.record.client ?? {};
  return allowedCorsOrigins.length > 0 && originMatcher(allowedCorsOrigins)(origin); // an empty list would stand for any
}
