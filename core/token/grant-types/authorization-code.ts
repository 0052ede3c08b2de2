import { fromBinary } from "@bufbuild/protobuf";
import { AuthorizationCodeSchema } from "#gen/writ/store/v1/token_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { openSealed } from "#lib/seal.ts";
import { fromSeconds } from "#lib/time.ts";
import { requireCodeVerifier } from "../../authorize/pkce.ts";
import { isOfClient, type StoredClient } from "../../model/client.ts";
import type { Grant } from "../../model/grant.ts";
import { redeemCode } from "../../store/grant-tokens.ts";
import { readGrant } from "../../store/grants.ts";
import { type IssueDeps, lifetimeSeconds } from "../issue.ts";
import { issueOfGrant, prepareIssuing } from "../issue-of-grant.ts";
import { type GrantType, invalidGrant } from "./grant-type.ts";

/**
 * Redeems an authorization code. All that can be wrong with the request is looked at before the code is spent, so that a bad
 * request burns no code; that somebody else brings a spent one ends the grant.
 * @see RFC 6749 §4.1.3, §4.1.4
 */
export const authorizationCode: GrantType = async (deps, { request, client }, now) => {
  const { code, redirectUri, codeVerifier } = request;
  if (code === "") throw new OAuthError("invalid_request", "'code' is missing");
  const payload = openSealed(deps.sealer, "authorization_code", code, "The code");
  if (payload === undefined) throw invalidGrant("'code' is none of this server");
  const { grant: handle, expiresAt } = fromBinary(AuthorizationCodeSchema, payload);
  if (handle === undefined) throw invalidGrant("'code' is none of this server");
  const found = await readGrant(deps.db, deps.issuer, handle.id);
  const grant = found !== undefined && equalBytes(found.grant.birth, handle.birth) ? found.grant : undefined;
  if (grant !== undefined && !isOfClient(client, grant)) throw invalidGrant("'code' was issued to another client");
  if (fromSeconds(expiresAt) <= now) throw invalidGrant("'code' has expired");
  if (grant === undefined) throw invalidGrant("'code' is good no more");
  requireSameRedirectUri(grant, redirectUri);
  requireCodeVerifier(grant.record.request?.codeChallenge ?? new Uint8Array(), codeVerifier); // RFC 7636 §4.6

  // A code that is spent already ends the grant, whatever a web hook would say of it.
  const isSpent = grant.state !== "code";
  const issuing = await prepareIssuing(deps, { client, grant, scope: undefined, lifetimes: lifetimesOf(deps, client), request: isSpent ? undefined : request }, now);
  const redeemed = await redeemCode(deps.db, deps.issuer, { grant, expiresAt: issuing.expiresAt, session: issuing.session, attempt: deps.random(16), now });
  switch (redeemed.kind) {
    case "redeemed":
      return issueOfGrant(deps, issuing, redeemed.grant, now);
    case "replayed":
      deps.log.warn("grant_ended", { reason: "code_replayed", client_id: grant.clientId }); // RFC 6749 §4.1.2
      throw invalidGrant("'code' has been used already; all tokens that came of it were revoked");
    case "revoked":
      throw invalidGrant("what the code stands for was revoked");
    case "expired":
    case "ended":
    case "unknown":
      throw invalidGrant("'code' is good no more");
  }
};

/** RFC 6749 §4.1.3: it must be there if it was, and the same to the letter. */
function requireSameRedirectUri({ record: { request } }: Grant, sent: string): void {
  if (request === undefined) throw new Error("a grant without its request");
  if (sent === "" ? request.redirectUriSent : sent !== request.redirectUri) throw invalidGrant("'redirect_uri' is not that of the authorization request");
}

function lifetimesOf({ config, settings }: IssueDeps, { record: { client } }: StoredClient) {
  const { lifespans } = client;
  return {
    accessToken: lifetimeSeconds(lifespans?.authorizationCodeGrantAccessTokenLifespan, config.ttl.access_token),
    refreshToken: lifetimeSeconds(lifespans?.authorizationCodeGrantRefreshTokenLifespan, settings.ttl.refreshToken),
    idToken: lifetimeSeconds(lifespans?.authorizationCodeGrantIdTokenLifespan, config.ttl.id_token),
  };
}
