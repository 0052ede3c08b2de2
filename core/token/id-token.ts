import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import type { GrantRecord } from "#gen/writ/store/v1/grant_pb.ts";
import { makeUuid, timeOf, toHex } from "#lib/id.ts";
import { isSignatureAlg } from "#lib/signature-algs.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { leftHalfHash } from "../keys/algorithms.ts";
import type { SigningKey } from "../keys/signing-keys.ts";
import { claimsRequestOf, wantedAcrValues, wishOf } from "../model/claims-request.ts";
import type { Grant } from "../model/grant.ts";
import { type Claims, signJwt } from "./jwt.ts";
import { idTokenTells, TELLS_ALL, type Tells } from "./scope-claims.ts";
import { sessionClaims } from "./session-claims.ts";

/** Claims that are the server's to say: a consent app does not replace them. */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set("iss sub aud azp exp iat nbf auth_time rat jti nonce at_hash c_hash s_hash acr amr sid".split(" "));

/** What of a grant its ID tokens and userinfo tell. */
export type IdentityGrant = Pick<Grant, "id" | "clientId" | "subject"> & { readonly record: GrantRecord };

/**
 * What is told of the subject and of the login: the claims that ID tokens and userinfo share, and of what the consent app
 * attached what `tells` says.
 * @see OIDC Core §2, §5.3.2
 */
export function identityClaims({ settings, sealer }: Pick<Deps, "settings" | "sealer">, { id, clientId, subject, record }: IdentityGrant, tells: Tells): Claims {
  const { login, request } = record;
  const custom = sessionClaims(sealer, record).idToken ?? {};
  return {
    ...Object.fromEntries(Object.entries(custom).filter(([name]) => !RESERVED_CLAIMS.has(name) && tells(name))),
    iss: settings.issuerUrl,
    sub: record.obfuscatedSubject || subject, // OIDC Core §8
    aud: [clientId],
    auth_time: login === undefined ? undefined : toSeconds(login.authenticatedAt as EpochMillis),
    rat: settings.compatHydra ? toSeconds(timeOf(id)) : undefined, // Hydra's: the request's time, which no specification knows
    acr: login?.acr || unmet(request),
    amr: login === undefined || login.amr.length === 0 ? undefined : login.amr,
  };
}

/** OIDC Core §2: "0" says that no wanted context class was met. */
function unmet(request: GrantRecord["request"]): "0" | undefined {
  if (request === undefined) return undefined;
  return wantedAcrValues(request).length > 0 || wishOf(claimsRequestOf(request).id_token, "acr") !== undefined ? "0" : undefined;
}

/** What one ID token says beyond `identityClaims`. */
export interface IdTokenContent {
  readonly grant: IdentityGrant & Pick<Grant, "sessionId">;
  /** What is issued together with it. Empty: it is alone. */
  readonly accessToken: string;
  /** The same of an authorization response (OIDC Core §3.3.2.11). */
  readonly code?: string;
  /** `state` of that response (FAPI 1.0 Advanced §5.2.2.1: tied to the ID token, it cannot be swapped). */
  readonly state?: string | undefined;
  /** Without the `nonce`: it is of a refresh, which no request with one asked for (OIDC Core §12.2). */
  readonly withoutNonce?: boolean;
  /** Lifetime in seconds. */
  readonly expiresIn: number;
}

/** The key that signs a client's ID tokens, and whatever else is signed like them. @see OIDC Registration §2 (id_token_signed_response_alg) */
export function idTokenKey({ keys }: Pick<Deps, "keys">, { idTokenSignedResponseAlg: alg }: Client, now: EpochMillis): Promise<SigningKey> {
  return keys.current("hydra.openid.id-token", isSignatureAlg(alg) ? alg : "RS256", now);
}

/** Signs an ID token. @see OIDC Core §2, §3.1.3.6, §3.2.2.10, §3.3.2.11 */
export function signIdToken(
  deps: Pick<Deps, "settings" | "sealer" | "random">,
  key: SigningKey,
  { grant, accessToken, code = "", state = "", withoutNonce = false, expiresIn }: IdTokenContent,
  now: EpochMillis,
): string {
  const issuedAt = toSeconds(now);
  const hashOf = (value: string): string | undefined => (value === "" ? undefined : leftHalfHash(key.alg, value));
  return signJwt(key, "JWT", {
    ...identityClaims(deps, grant, deps.settings.compatHydra ? TELLS_ALL : idTokenTells(grant.record)),
    iat: issuedAt,
    exp: issuedAt + expiresIn,
    jti: makeUuid(deps.random),
    nonce: (!withoutNonce && grant.record.request?.nonce) || undefined,
    at_hash: hashOf(accessToken),
    c_hash: hashOf(code),
    s_hash: hashOf(state),
    sid: grant.sessionId === undefined ? undefined : toHex(grant.sessionId),
  });
}
