import { fromBinary } from "@bufbuild/protobuf";
import { AuthorizationCodeSchema } from "#gen/writ/store/v1/token_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { openSealed } from "#lib/seal.ts";
import { fromSeconds } from "#lib/time.ts";
import { requireCodeVerifier } from "../../authorize/pkce.ts";
import { isOfClient } from "../../model/client.ts";
import type { Grant } from "../../model/grant.ts";
import { readGrant } from "../../store/grants.ts";
import { lifetimesOf } from "../issue-of-grant.ts";
import { redeemGrant } from "../redeem-grant.ts";
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

  const { lifespans } = client.record.client;
  const lifetimes = lifetimesOf(deps, {
    accessToken: lifespans?.authorizationCodeGrantAccessTokenLifespan,
    refreshToken: lifespans?.authorizationCodeGrantRefreshTokenLifespan,
    idToken: lifespans?.authorizationCodeGrantIdTokenLifespan,
  });
  const redeemed = await redeemGrant(deps, { client, grant, request, lifetimes }, now);
  switch (redeemed.kind) {
    case "issued":
      return redeemed.response;
    case "replayed":
      deps.log.warn("grant_ended", { reason: "code_replayed", client_id: grant.clientId }); // RFC 6749 §4.1.2
      throw invalidGrant("'code' has been used already; all tokens that came of it were revoked");
    case "revoked":
      throw invalidGrant("what the code stands for was revoked");
    case "gone":
      throw invalidGrant("'code' is good no more");
  }
};

/** RFC 6749 §4.1.3: it must be there if it was, and the same to the letter. */
function requireSameRedirectUri({ record: { request } }: Grant, sent: string): void {
  if (request === undefined) throw new Error("a grant without its request");
  if (sent === "" ? request.redirectUriSent : sent !== request.redirectUri) throw invalidGrant("'redirect_uri' is not that of the authorization request");
}
