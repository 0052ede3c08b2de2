import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import { formatDuration, parseDuration } from "#lib/duration.ts";
import { OAuthError } from "#lib/errors.ts";
import { parseScope } from "#lib/scope.ts";

/** One rule on a client's metadata: throws OAuthError naming the member that breaks it. Never changes the client. */
export type Rule = (client: Client) => void;

const MAX_ITEMS = 200;
const MAX_TEXT = 2048;
const MAX_NAME = 255;
/** `alg` values of signatures that a client may use (RFC 7518 §3.1). */
const SIGNATURE_ALGS = ["RS", "PS", "ES"].flatMap((family) => [256, 384, 512].map((size) => `${family}${size}`));
/** Schemes that run or hold content in place of going somewhere. */
const DANGEROUS_SCHEMES = new Set(["javascript:", "data:", "vbscript:", "blob:", "about:", "file:", "view-source:"]);
const PRIVATE_JWK_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** All rules, in the order of the members in RFC 7591 §2 and then of OpenID Connect's and Hydra's. */
export const RULES: readonly Rule[] = [
  ({ clientId }) => {
    if (clientId === "." || clientId === ".." || Buffer.byteLength(clientId) > MAX_NAME || /[^\x20-\x7e]/.test(clientId))
      throw invalid("client_id", `must have at most ${MAX_NAME} printable ASCII characters (RFC 6749 App. A.1) and be neither '.' nor '..'`);
  },
  ({ redirectUris }) => {
    for (const uri of bounded("redirect_uris", redirectUris)) requireRedirectUri("redirect_uris", uri);
  },
  ({ grantTypes, responseTypes, contacts, audience, introspectionAudience, requestUris }) => {
    for (const [name, list] of Object.entries({
      grant_types: grantTypes,
      response_types: responseTypes,
      contacts,
      audience,
      introspection_audience: introspectionAudience,
      request_uris: requestUris,
    }))
      bounded(name, list);
  },
  ({ scope }) => {
    if (scope.length > MAX_TEXT * 4 || parseScope(scope) === undefined) throw invalid("scope", "holds a character that no scope may have, or is too long (RFC 6749 §3.3)");
  },
  ({ clientName, owner }) => {
    for (const [name, value] of Object.entries({ client_name: clientName, owner }))
      if (Buffer.byteLength(value) > MAX_NAME) throw invalid(name, `must have at most ${MAX_NAME} bytes`);
  },
  ({ policyUri, tosUri, clientUri, logoUri }) => {
    for (const [name, uri] of Object.entries({ policy_uri: policyUri, tos_uri: tosUri, client_uri: clientUri, logo_uri: logoUri }))
      if (uri !== "" && !isHttpUrl(uri)) throw invalid(name, "must be an http or https URL");
  },
  ({ allowedCorsOrigins }) => {
    for (const origin of bounded("allowed_cors_origins", allowedCorsOrigins))
      if (origin !== "*" && !isOrigin(origin))
        throw invalid("allowed_cors_origins", `'${origin.slice(0, 100)}' is no http or https origin: scheme, host and port, and nothing after`);
  },
  ({ subjectType, sectorIdentifierUri }) => {
    if (subjectType !== "" && subjectType !== "public") throw invalid("subject_type", `'${subjectType.slice(0, 30)}' is not supported: use public`);
    if (sectorIdentifierUri !== "") throw invalid("sector_identifier_uri", "is for pairwise subject identifiers, which are not supported");
  },
  ({ jwks, jwksUri }) => {
    if (jwks !== undefined && Object.keys(jwks).length > 0) {
      if (jwksUri !== "") throw invalid("jwks", "may not be given together with jwks_uri (RFC 7591 §2)");
      requireJwks(jwks);
    }
    if (jwksUri !== "" && !isHttpUrl(jwksUri)) throw invalid("jwks_uri", "must be an http or https URL");
  },
  ({ tokenEndpointAuthMethod, tokenEndpointAuthSigningAlg, jwks, jwksUri }) => {
    if (tokenEndpointAuthMethod.length > 100) throw invalid("token_endpoint_auth_method", "is too long");
    if (tokenEndpointAuthSigningAlg !== "" && !SIGNATURE_ALGS.includes(tokenEndpointAuthSigningAlg))
      throw invalid("token_endpoint_auth_signing_alg", `must be one of ${SIGNATURE_ALGS.join(", ")}`);
    if (tokenEndpointAuthMethod === "private_key_jwt" && jwksUri === "" && Object.keys(jwks ?? {}).length === 0)
      throw invalid("token_endpoint_auth_method", "private_key_jwt needs jwks or jwks_uri");
  },
  ({ userinfoSignedResponseAlg, requestObjectSigningAlg }) => {
    if (!["", "none", "RS256"].includes(userinfoSignedResponseAlg)) throw invalid("userinfo_signed_response_alg", "must be none or RS256");
    if (requestObjectSigningAlg !== "" && requestObjectSigningAlg !== "none" && !SIGNATURE_ALGS.includes(requestObjectSigningAlg))
      throw invalid("request_object_signing_alg", `must be none or one of ${SIGNATURE_ALGS.join(", ")}`);
  },
  ({ frontchannelLogoutUri, backchannelLogoutUri }) => {
    for (const [name, uri] of Object.entries({ frontchannel_logout_uri: frontchannelLogoutUri, backchannel_logout_uri: backchannelLogoutUri }))
      if (uri !== "" && !isHttpUrl(uri)) throw invalid(name, "must be an http or https URL");
  },
  ({ postLogoutRedirectUris, redirectUris }) => {
    const places = new Set(redirectUris.map(placeOf));
    for (const uri of bounded("post_logout_redirect_uris", postLogoutRedirectUris)) {
      requireRedirectUri("post_logout_redirect_uris", uri);
      if (!places.has(placeOf(uri))) throw invalid("post_logout_redirect_uris", `'${uri.slice(0, 200)}' has not the scheme, host and port of any of redirect_uris`);
    }
  },
  ({ accessTokenStrategy }) => {
    if (!["", "opaque", "jwt"].includes(accessTokenStrategy)) throw invalid("access_token_strategy", "must be opaque or jwt");
  },
];

/** A lifespan in the form that it is given back: `1h30m0s`. @throws OAuthError naming the member */
export function normalizeLifespan(name: string, value: string): string {
  const milliseconds = parseDuration(value);
  if (milliseconds === undefined || milliseconds < 1000) throw invalid(name, `'${value.slice(0, 50)}' is no duration of a second or more, such as 1h30m`);
  return formatDuration(milliseconds);
}

/** `invalid_client_metadata` about one member. @see RFC 7591 §3.2.2 */
export function invalid(member: string, why: string): OAuthError {
  return new OAuthError("invalid_client_metadata", `'${member}' ${why}`);
}

function bounded(name: string, list: readonly string[]): readonly string[] {
  if (list.length > MAX_ITEMS) throw invalid(name, `may hold at most ${MAX_ITEMS} values`);
  if (list.some((each) => each.length > MAX_TEXT)) throw invalid(name, `holds a value of more than ${MAX_TEXT} characters`);
  return list;
}

/** RFC 6749 §3.1.2: absolute, no fragment. A scheme that runs content would make the browser run it in our name. */
function requireRedirectUri(name: string, uri: string): void {
  const parsed = URL.parse(uri);
  const refuse = (why: string): OAuthError => new OAuthError("invalid_redirect_uri", `'${name}' holds '${uri.slice(0, 200)}', which ${why}`);
  if (parsed === null || !/^[a-z][a-z0-9+.-]*:/i.test(uri) || /[\s\\]/.test(uri)) throw refuse("is no absolute URI");
  if (uri.includes("#")) throw refuse("has a fragment");
  if (DANGEROUS_SCHEMES.has(parsed.protocol)) throw refuse("has a scheme that goes nowhere");
  if (/^https?:$/.test(parsed.protocol) && (parsed.host === "" || !/^https?:\/\//i.test(uri))) throw refuse("names no host");
  if (parsed.username !== "" || parsed.password !== "") throw refuse("has a user name in it");
}

function requireJwks(jwks: Readonly<Record<string, unknown>>): void {
  const { keys } = jwks;
  if (!Array.isArray(keys)) throw invalid("jwks", "has no list 'keys' (RFC 7517 §5)");
  for (const key of keys as unknown[]) {
    if (typeof key !== "object" || key === null || typeof (key as { kty?: unknown }).kty !== "string") throw invalid("jwks", "holds something that is no key");
    const leaked = PRIVATE_JWK_MEMBERS.find((member) => member in key);
    if (leaked !== undefined) throw invalid("jwks", `holds a private key ('${leaked}'): register public keys only`);
  }
}

function isHttpUrl(uri: string): boolean {
  const parsed = URL.parse(uri);
  return uri.length <= MAX_TEXT && parsed !== null && /^https?:$/.test(parsed.protocol) && /^https?:\/\//i.test(uri);
}

function isOrigin(origin: string): boolean {
  const parsed = URL.parse(origin.replace("*.", "star."));
  return parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === "" && parsed.pathname === "/" && !/[?#]/.test(origin) && !origin.endsWith("/");
}

function placeOf(uri: string): string {
  const parsed = URL.parse(uri);
  return parsed === null ? "" : `${parsed.protocol}//${parsed.host}`;
}
