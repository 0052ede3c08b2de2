import { allowsAudience } from "#lib/audience.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { parseScope, SCOPE_STRATEGIES } from "#lib/scope.ts";
import { fromSeconds } from "#lib/time.ts";
import { isOfClient, type StoredClient } from "../../model/client.ts";
import { type Grant, refreshPlace } from "../../model/grant.ts";
import { rotateRefresh } from "../../store/grant-tokens.ts";
import { readGrant } from "../../store/grants.ts";
import type { IssueDeps } from "../issue.ts";
import { isOffline, issueOfGrant, lifetimesOf, prepareIssuing } from "../issue-of-grant.ts";
import { readRefreshToken } from "../read-token.ts";
import { type GrantType, invalidGrant } from "./grant-type.ts";

/**
 * Rotates a refresh token. One that was superseded a moment ago gets a sibling of the newest; one that was superseded before
 * that may have been stolen, so the grant ends.
 * @see RFC 6749 §6, RFC 9700 §4.14
 */
export const refreshToken: GrantType = async (deps, { request, client }, now) => {
  if (request.refreshToken === "") throw new OAuthError("invalid_request", "'refresh_token' is missing");
  const presented = readRefreshToken(deps, request.refreshToken);
  if (presented?.grant === undefined) throw invalidGrant("'refresh_token' is none of this server");
  const { id, birth, generation } = presented.grant;
  const found = await readGrant(deps.db, deps.issuer, id);
  if (found === undefined || !equalBytes(found.grant.birth, birth)) throw invalidGrant("'refresh_token' is good no more");
  const { grant } = found;
  if (!isOfClient(client, grant)) throw invalidGrant("'refresh_token' was issued to another client");
  if (fromSeconds(presented.expiresAt) <= now) throw invalidGrant("'refresh_token' has expired");
  const scope = deps.settings.compatHydra ? undefined : narrowedScope(grant, request.scope);
  requireStillAllowed(deps, client, grant);

  const { grace } = deps.settings.refresh;
  // One that comes too late ends the grant, whatever a web hook would say of it.
  const isLate = refreshPlace(grant, generation, now, grace) === "reused";
  const { lifespans } = client.record.client;
  const lifetimes = lifetimesOf(deps, {
    accessToken: lifespans?.refreshTokenGrantAccessTokenLifespan,
    refreshToken: lifespans?.refreshTokenGrantRefreshTokenLifespan,
    idToken: lifespans?.refreshTokenGrantIdTokenLifespan,
  });
  const wanted = { client, grant, scope, lifetimes, request: isLate ? undefined : request, isRefresh: true };
  const issuing = await prepareIssuing(deps, wanted, now);
  const rotated = await rotateRefresh(deps.db, deps.issuer, { grant, generation, expiresAt: issuing.expiresAt, session: issuing.session, grace, attempt: deps.random(16), now });
  switch (rotated.kind) {
    case "rotated":
    case "sibling":
      return issueOfGrant(deps, issuing, rotated.grant, now);
    case "reused":
      deps.log.warn("grant_ended", { reason: "refresh_token_reused", client_id: grant.clientId });
      throw invalidGrant("'refresh_token' has been used already; all tokens that came of it were revoked");
    case "ahead":
      deps.log.error("refresh_token_ahead", { client_id: grant.clientId, generation, newest: grant.generation }); // a restored backup
      throw invalidGrant("'refresh_token' is newer than what this server knows of it");
    case "revoked":
      throw invalidGrant("what the refresh token stands for was revoked");
    case "expired":
    case "ended":
    case "unknown":
      throw invalidGrant("'refresh_token' is good no more");
  }
};

function grantedOf({ record }: Grant): { readonly scope: readonly string[]; readonly audience: readonly string[] } {
  const { outcome } = record.consent ?? {};
  if (outcome?.case !== "accepted") throw invalidGrant("'refresh_token' is good no more");
  return outcome.value;
}

/** RFC 6749 §6: fewer scopes may be asked for, no others. The refresh token keeps them all. */
function narrowedScope(grant: Grant, sent: string): readonly string[] | undefined {
  if (sent === "") return undefined;
  const names = parseScope(sent);
  const granted = grantedOf(grant).scope;
  const wrong = names?.find((name) => !granted.includes(name));
  if (names === undefined || names.length === 0 || wrong !== undefined)
    throw new OAuthError("invalid_scope", `The requested scope is invalid: '${wrong ?? "scope"}' is none of what was granted`);
  return names;
}

/** A client that may ask for less than when the grant was made does not go on with more (as Hydra). */
function requireStillAllowed({ config }: IssueDeps, { record: { client } }: StoredClient, grant: Grant): void {
  const { scope, audience } = grantedOf(grant);
  if (!isOffline(scope)) throw invalidGrant("it was not given for the time when its subject is away: 'offline_access' is not among its scopes");
  const allowed = client.scope.split(" ");
  const scopeLost = scope.find((name) => !SCOPE_STRATEGIES[config.strategies.scope](allowed, name));
  if (scopeLost !== undefined) throw new OAuthError("invalid_scope", `The requested scope is invalid: the client may ask for '${scopeLost}' no more`);
  const audienceLost = audience.find((name) => !allowsAudience(client.audience, name));
  if (audienceLost !== undefined) throw new OAuthError("invalid_request", `The client may ask for the audience '${audienceLost}' no more`);
}
