import type { AuthorizationRequest, GrantRecord } from "#gen/writ/store/v1/grant_pb.ts";
import { makeUuid, timeOf, toHex } from "#lib/id.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { leftHalfHash } from "../keys/algorithms.ts";
import type { SigningKey } from "../keys/signing-keys.ts";
import type { Grant } from "../model/grant.ts";
import { type Claims, signJwt } from "./jwt.ts";
import { sessionClaims } from "./session-claims.ts";

/** Claims that are the server's to say: a consent app does not replace them. */
const RESERVED = new Set("iss sub aud azp exp iat nbf auth_time rat jti nonce at_hash c_hash s_hash acr amr sid".split(" "));

/** What of a grant its ID tokens and userinfo tell. */
export type IdentityGrant = Pick<Grant, "id" | "clientId" | "subject"> & { readonly record: GrantRecord };

/**
 * What is told of the subject and of the login: the claims that ID tokens and userinfo share.
 * @see OIDC Core §2, §5.3.2
 */
export function identityClaims({ settings, sealer }: Pick<Deps, "settings" | "sealer">, { id, clientId, subject, record }: IdentityGrant): Claims {
  const { login, request } = record;
  const custom = sessionClaims(sealer, record).idToken ?? {};
  return {
    ...Object.fromEntries(Object.entries(custom).filter(([name]) => !RESERVED.has(name))),
    iss: settings.issuerUrl,
    sub: record.obfuscatedSubject || subject, // OIDC Core §8
    aud: [clientId],
    auth_time: login === undefined ? undefined : toSeconds(login.authenticatedAt as EpochMillis),
    rat: toSeconds(timeOf(id)),
    acr: login?.acr || unmet(request),
    amr: login === undefined || login.amr.length === 0 ? undefined : login.amr,
  };
}

/** OIDC Core §2: "0" says that no wanted context class was met. */
function unmet(request: AuthorizationRequest | undefined): "0" | undefined {
  return request !== undefined && request.acrValues.length > 0 ? "0" : undefined;
}

/** What one ID token says beyond `identityClaims`. */
export interface IdTokenContent {
  readonly grant: IdentityGrant & Pick<Grant, "sessionId">;
  /** Issued together with it. */
  readonly accessToken: string;
  /** Lifetime in seconds. */
  readonly expiresIn: number;
}

/** Signs an ID token. @see OIDC Core §2, §3.1.3.6 */
export function signIdToken(deps: Pick<Deps, "settings" | "sealer" | "random">, key: SigningKey, { grant, accessToken, expiresIn }: IdTokenContent, now: EpochMillis): string {
  const issuedAt = toSeconds(now);
  return signJwt(key, "JWT", {
    ...identityClaims(deps, grant),
    iat: issuedAt,
    exp: issuedAt + expiresIn,
    jti: makeUuid(deps.random),
    nonce: grant.record.request?.nonce || undefined,
    at_hash: leftHalfHash(key.alg, accessToken),
    sid: grant.sessionId === undefined ? undefined : toHex(grant.sessionId),
  });
}
