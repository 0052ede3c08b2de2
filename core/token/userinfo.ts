import type { MessageInitShape } from "@bufbuild/protobuf";
import type { GetUserinfoRequest, GetUserinfoResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { OAuthError } from "#lib/errors.ts";
import { makeUuid } from "#lib/id.ts";
import { isSignatureAlg } from "#lib/signature-algs.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { getClient } from "../store/clients.ts";
import { bearerMissing, bearerOf, bearerRefused } from "./bearer.ts";
import { type EncryptDeps, encrypt, encryptionFor } from "./encrypt.ts";
import { identityClaims } from "./id-token.ts";
import { findLiveToken, type IntrospectDeps } from "./introspect.ts";
import { type Claims, signJwt } from "./jwt.ts";
import type { LiveToken } from "./live-token.ts";
import { TELLS_ALL, userinfoTells } from "./scope-claims.ts";

/** What userinfo needs. */
export type UserinfoDeps = IntrospectDeps & EncryptDeps & Pick<Deps, "random">;

/**
 * Claims about the subject of an access token.
 * @throws OAuthError invalid_request, invalid_token, insufficient_scope, with the challenge of RFC 6750 §3
 * @see OIDC Core §5.3
 */
export async function userinfo(deps: UserinfoDeps, request: GetUserinfoRequest, now: EpochMillis): Promise<MessageInitShape<typeof GetUserinfoResponseSchema>> {
  const live = await findLiveToken(deps, requireToken(deps, request), now);
  if (live === undefined) throw challenge(deps, "invalid_token", "The access token is unknown, expired or revoked");
  if (live.facts.use !== "access_token") throw challenge(deps, "invalid_token", "Only access tokens are allowed here");
  const claims = claimsOf(deps, live);
  const client = await getClient(deps.db, deps.issuer, live.facts.clientId);
  const encryption = client === undefined ? undefined : await encryptionFor(deps, client, "userinfo", now);
  const alg = client?.record.client.userinfoSignedResponseAlg ?? "";
  if (!isSignatureAlg(alg)) {
    const json = JSON.stringify(claims);
    // OIDC Core §5.3.2: what is only encrypted is a JWT all the same, of the claims themselves.
    return {
      answer: encryption === undefined ? { case: "json", value: new TextEncoder().encode(json) } : { case: "jwt", value: await encrypt(encryption, json, { nested: false }) },
    };
  }
  const key = await deps.keys.current("hydra.openid.id-token", alg, now);
  const jwt = signJwt(key, "JWT", { ...claims, iat: toSeconds(now), jti: makeUuid(deps.random) });
  return { answer: { case: "jwt", value: encryption === undefined ? jwt : await encrypt(encryption, jwt, { nested: true }) } };
}

function claimsOf(deps: UserinfoDeps, { facts, grant }: LiveToken): Claims {
  const { compatHydra, issuerUrl } = deps.settings;
  if (!compatHydra && !facts.scope.includes("openid")) throw challenge(deps, "insufficient_scope", "The access token has not the scope openid");
  if (grant !== undefined && facts.handle.state.case === "grant") {
    const record = grant.record();
    const tells = compatHydra ? TELLS_ALL : userinfoTells(record, facts.scope);
    return { ...identityClaims(deps, { id: facts.handle.state.value.id, clientId: facts.clientId, subject: facts.subject, record }, tells), iat: facts.issuedAt };
  }
  if (!compatHydra) throw challenge(deps, "invalid_token", "The access token stands for no person");
  return { aud: [facts.clientId], iat: facts.issuedAt, iss: issuerUrl, ...(facts.subject === "" ? {} : { sub: facts.subject }) };
}

/** RFC 6750 §2: in one way only. In the query it ends in logs (§5.3, RFC 9700 §4.3.2): as Hydra under `compat: hydra` alone. */
function requireToken({ settings }: UserinfoDeps, { authorization, formAccessToken, queryAccessToken }: GetUserinfoRequest): string {
  const bearer = bearerOf(authorization);
  if (/^Bearer\b/i.test(authorization) && bearer === undefined) throw challenge({ settings }, "invalid_request", "The Authorization header is no bearer token");
  const ways = [bearer ?? "", formAccessToken, queryAccessToken].filter((token) => token !== "");
  if (ways.length > 1) throw challenge({ settings }, "invalid_request", "The access token is sent in more than one way");
  if (queryAccessToken !== "" && !settings.compatHydra)
    throw challenge({ settings }, "invalid_request", "The access token may not be sent in the query: use the Authorization header");
  const [token] = ways;
  if (token !== undefined) return token;
  throw bearerMissing(settings.compatHydra ? "request_unauthorized" : "invalid_token");
}

/** RFC 6750 §3. */
function challenge({ settings }: Pick<Deps, "settings">, code: "invalid_request" | "invalid_token" | "insufficient_scope", description: string): OAuthError {
  const shown = settings.compatHydra && code === "invalid_token" ? "request_unauthorized" : code;
  return bearerRefused(shown, description, code === "insufficient_scope" ? "openid" : "");
}
