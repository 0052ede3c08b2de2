import { createSecretKey } from "node:crypto";
import type { JsonObject } from "@bufbuild/protobuf";
import type { ClientAuthentication } from "#gen/writ/oauth/v1/request_pb.ts";
import { isSecretAlg, isSignatureAlg, SECRET_ALGS } from "#lib/signature-algs.ts";
import { type EpochMillis, fromSeconds } from "#lib/time.ts";
import { readJwt, type UnverifiedJwt } from "../../jwt/read-jwt.ts";
import { audienceOf, faultOfTimes, ownAudiences } from "../../jwt/times.ts";
import { isSignedBy } from "../../jwt/verify-signature.ts";
import type { StoredClient } from "../../model/client.ts";
import type { Settings } from "../../settings.ts";
import { useAssertionJti } from "../../store/assertion-jtis.ts";
import { isSignedByClient } from "../client-keys.ts";
import { openSecret } from "../secret.ts";
import type { AuthenticateDeps, AuthMethod, Presented } from "./auth-method.ts";
import { authenticationFailed } from "./failure.ts";

type AssertionMethod = "private_key_jwt" | "client_secret_jwt";

/** A client signs with a key of its own. @see RFC 7523 §2.2, §3; OIDC Core §9 */
export const privateKeyJwt: AuthMethod = { read: (authentication) => readAssertion(authentication, "private_key_jwt") };

/** A client signs with its secret. @see RFC 7523 §2.2, §3; OIDC Core §9 */
export const clientSecretJwt: AuthMethod = { read: (authentication) => readAssertion(authentication, "client_secret_jwt") };

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/** A request object, a logout token or a DPoP proof that the same key signed is no assertion (RFC 8725 §3.11). */
const TYPES: ReadonlySet<string> = new Set(["", "jwt", "client-authentication+jwt"]);
/** Seconds: so long its `jti` is kept. Clients make assertions that live for a minute. */
const MAX_LIFETIME = 3600;

function readAssertion({ clientAssertion, clientAssertionType }: ClientAuthentication, method: AssertionMethod): Presented | undefined {
  if (clientAssertion === "" && clientAssertionType === "") return undefined;
  if (clientAssertionType !== ASSERTION_TYPE) throw authenticationFailed(`'client_assertion_type' must be ${ASSERTION_TYPE}`); // RFC 7523 §2.2
  const jwt = readJwt(clientAssertion);
  if (jwt === undefined) throw authenticationFailed("'client_assertion' is no signed JWT that can be read");
  if (!isSignatureAlg(jwt.alg) && !isSecretAlg(jwt.alg)) throw authenticationFailed("'client_assertion' is not signed by an algorithm that this server supports"); // OIDC Core §9: not none
  if (isSecretAlg(jwt.alg) !== (method === "client_secret_jwt")) return undefined;
  if (!TYPES.has(jwt.typ)) throw authenticationFailed("'typ' of 'client_assertion' says that it is something else");
  const { iss, sub } = jwt.claims;
  if (typeof sub !== "string" || sub === "" || iss !== sub) throw authenticationFailed("'iss' and 'sub' of 'client_assertion' must both be the client_id"); // RFC 7523 §3
  return { clientId: sub, isRight: (deps, client, now) => isRightAssertion(deps, client, jwt, method, now) };
}

/** @throws OAuthError invalid_client saying what is wrong, once the client is known to have signed it */
async function isRightAssertion(deps: AuthenticateDeps, client: StoredClient, jwt: UnverifiedJwt, method: AssertionMethod, now: EpochMillis): Promise<boolean> {
  const { clientId, tokenEndpointAuthMethod, tokenEndpointAuthSigningAlg } = client.record.client;
  // The registered method decides what kind of key is tried: a public key is never taken for a secret (RFC 8725 §2.1).
  if (tokenEndpointAuthMethod !== method) return false;
  const alg = tokenEndpointAuthSigningAlg || (method === "private_key_jwt" && deps.settings.compatHydra ? "RS256" : jwt.alg);
  if (alg !== jwt.alg || !(await isSigned(deps, client, jwt, now))) return false;
  const fault = faultOf(deps.settings, jwt.claims, now);
  if (fault !== undefined) throw refuse(deps, clientId, method, fault);
  const { jti, exp } = jwt.claims as { readonly jti: string; readonly exp: number };
  const use = { kind: "client_assertion", assertionIssuer: clientId, jti, expiresAt: fromSeconds(Math.ceil(exp)), attempt: deps.random(16) };
  if ((await useAssertionJti(deps.db, deps.issuer, use)).kind === "replayed") throw refuse(deps, clientId, method, "it was used before ('jti')");
  return true;
}

async function isSigned(deps: AuthenticateDeps, client: StoredClient, jwt: UnverifiedJwt, now: EpochMillis): Promise<boolean> {
  if (isSignatureAlg(jwt.alg)) return isSignedByClient(deps, client, jwt, jwt.alg, now);
  const secret = openSecret(deps, client.record.secret);
  if (secret === undefined || !isSecretAlg(jwt.alg) || secret.length < SECRET_ALGS[jwt.alg]) return false; // RFC 7518 §3.2
  return isSignedBy(jwt, jwt.alg, [createSecretKey(secret)]);
}

function faultOf(settings: Settings, claims: JsonObject, now: EpochMillis): string | undefined {
  const fault = faultOfTimes(claims, { expRequired: true, maxLifetime: MAX_LIFETIME }, now); // RFC 7523 §3
  if (fault !== undefined) return fault;
  if (typeof claims.jti !== "string" || claims.jti === "") return "'jti' is missing"; // OIDC Core §9: required
  const own = ownAudiences(settings);
  const audience = audienceOf(claims);
  // Stricter than RFC 7523 §3: whoever else is named could bring the assertion here and pass for the client.
  return audience?.every((each) => own.has(each)) === true ? undefined : `'aud' must be ${settings.issuerUrl} or the token endpoint's URL, and nobody else`;
}

function refuse(deps: AuthenticateDeps, clientId: string, method: AssertionMethod, fault: string): Error {
  deps.log.info("client_authentication_failed", { client_id: clientId, method, reason: "bad_assertion" });
  return authenticationFailed(`the assertion is signed by the client and refused: ${fault}`);
}
