import type { JsonObject } from "@bufbuild/protobuf";
import type { TrustedIssuer } from "#gen/writ/admin/v1/trusted_issuer_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { SCOPE_STRATEGIES } from "#lib/scope.ts";
import { isSignatureAlg } from "#lib/signature-algs.ts";
import { type EpochMillis, fromSeconds } from "#lib/time.ts";
import { keysFor, readPublicKeys } from "../../jwt/public-keys.ts";
import { readJwt, type UnverifiedJwt } from "../../jwt/read-jwt.ts";
import { audienceOf, faultOfTimes, ownAudiences } from "../../jwt/times.ts";
import { isSignedBy } from "../../jwt/verify-signature.ts";
import { toJwk } from "../../keys/jwk.ts";
import { LIMITS } from "../../model/limits.ts";
import { useAssertionJti } from "../../store/assertion-jtis.ts";
import { readSubjectEpochs } from "../../store/subjects.ts";
import { findTrustedIssuers } from "../../store/trusted-issuers.ts";
import { type IssueDeps, issueRowlessAccessToken, lifetimeSeconds } from "../issue.ts";
import { grantAudience, grantScope } from "../requested.ts";
import { type GrantType, invalidGrant } from "./grant-type.ts";

/** A client assertion, a request object or a logout token that the same key signed is no grant (RFC 8725 §3.11). */
const TYPES: ReadonlySet<string> = new Set(["", "jwt", "authorization-grant+jwt"]);

interface Assertion {
  readonly iss: string;
  readonly sub: string;
  readonly audience: readonly string[];
  readonly jti: string | undefined;
  readonly exp: number;
}

/** An assertion of a trusted issuer in exchange for an access token. @see RFC 7523 §2.1, §3; RFC 7521 §4.1 */
export const jwtBearer: GrantType = async (deps, { request, client }, now) => {
  if (request.assertion === "") throw new OAuthError("invalid_request", "'assertion' is missing"); // RFC 7523 §2.1
  const jwt = readJwt(request.assertion);
  if (jwt === undefined || !TYPES.has(jwt.typ)) throw invalidGrant("the assertion is no signed JWT that can be read");
  const assertion = readAssertion(deps, jwt.claims, now); // §3
  const { grantEpoch } = await readSubjectEpochs(deps.db, deps.issuer, assertion.sub); // before the look at what is trusted: what is revoked from now on counts
  const trusted = await requireTrusted(deps, jwt, assertion, now); // §3: signed, by an issuer that is trusted
  const metadata = client.record.client;
  const { scope: strategy } = deps.config.strategies;
  const scope = grantScope(request.scope, metadata, strategy); // RFC 7521 §4.1: no more than the issuer may give
  const denied = scope.find((name) => !SCOPE_STRATEGIES[strategy](trusted.scope, name));
  if (denied !== undefined) throw new OAuthError("invalid_scope", `The requested scope is invalid: the issuer of the assertion may not give '${denied}'`);
  const requested = grantAudience(request.audience, metadata);
  const audience = deps.config.oauth2.grant.jwt.omit_assertion_audience ? requested : [...new Set([...requested, ...assertion.audience])];
  const expiresIn = lifetimeSeconds(metadata.lifespans?.jwtBearerGrantAccessTokenLifespan, deps.config.ttl.access_token);
  const { accessToken } = await issueRowlessAccessToken(deps, { client, subject: assertion.sub, scope, audience, ext: undefined, expiresIn, grantEpoch }, request, now);
  await requireFirstUse(deps, assertion); // the last gate: nothing was written before
  return { accessToken, expiresIn, scope: scope.join(" "), tokenType: deps.settings.tokenType }; // RFC 7521 §4.1: no refresh token
};

function readAssertion({ config, settings }: IssueDeps, claims: JsonObject, now: EpochMillis): Assertion {
  const { iss, sub, jti, exp } = claims;
  const { jti_optional: jtiOptional, iat_optional: iatOptional, max_ttl: maxTtl } = config.oauth2.grant.jwt;
  if (typeof iss !== "string" || iss === "") throw invalidGrant("'iss' of the assertion is missing");
  if (typeof sub !== "string" || sub === "") throw invalidGrant("'sub' of the assertion is missing");
  if (Buffer.byteLength(sub) > LIMITS.subject) throw invalidGrant(`'sub' of the assertion has more than ${LIMITS.subject} bytes`);
  // What UTF-8 cannot write would be kept as another name, and that can be somebody else's.
  if (![iss, sub, ...(typeof jti === "string" ? [jti] : [])].every((each) => each.isWellFormed()))
    throw invalidGrant("'iss', 'sub' or 'jti' of the assertion holds half a character");
  if (/\p{Cc}/u.test(sub)) throw invalidGrant("'sub' of the assertion holds a control character"); // as of subjects that log in
  const fault = faultOfTimes(claims, { expRequired: true, iatRequired: !iatOptional, maxLifetime: Math.floor(maxTtl / 1000), fromIat: true }, now);
  if (fault !== undefined) throw invalidGrant(`${fault} in the assertion`);
  const own = ownAudiences(settings);
  const audience = audienceOf(claims) ?? [];
  if (!audience.some((each) => own.has(each))) throw invalidGrant("'aud' of the assertion names neither this server nor its token endpoint");
  if (jti === undefined && jtiOptional) return { iss, sub, audience, jti: undefined, exp: Number(exp) };
  if (typeof jti !== "string" || jti === "") throw invalidGrant("'jti' of the assertion is missing");
  return { iss, sub, audience, jti, exp: Number(exp) };
}

/** Whom the issuer may speak of narrows before whom it may speak for: of two that fit the one for this very subject counts. */
async function requireTrusted({ db, issuer }: IssueDeps, jwt: UnverifiedJwt, { iss, sub }: Assertion, now: EpochMillis): Promise<TrustedIssuer> {
  const found = await findTrustedIssuers(db, issuer, { iss, subject: sub, kid: jwt.kid, now });
  const { alg } = jwt;
  if (isSignatureAlg(alg))
    for (const { trustedIssuer, key } of found.toSorted((a, b) => Number(a.trustedIssuer?.allowAnySubject) - Number(b.trustedIssuer?.allowAnySubject))) {
      const keys = key === undefined ? [] : readPublicKeys({ keys: [toJwk(key) as JsonObject] });
      if (trustedIssuer !== undefined && (await isSignedBy(jwt, alg, keysFor(keys, alg, undefined)))) return trustedIssuer;
    }
  throw invalidGrant("the assertion is signed by nobody who is trusted to speak of its subject");
}

async function requireFirstUse({ db, issuer, random, settings }: IssueDeps, { iss, jti, exp }: Assertion): Promise<void> {
  if (jti === undefined) return;
  const use = { kind: "jwt_bearer", assertionIssuer: iss, jti, expiresAt: fromSeconds(Math.ceil(exp)), attempt: random(16) };
  if ((await useAssertionJti(db, issuer, use)).kind === "used") return;
  throw settings.compatHydra ? new OAuthError("jti_known", "The assertion was used before ('jti')") : invalidGrant("the assertion was used before ('jti')");
}
