import { SECRET_ALGS, SIGNATURE_ALGS } from "#lib/signature-algs.ts";
import { RESPONSE_MODES } from "../authorize/response-modes.ts";
import { RESPONSE_TYPES } from "../authorize/response-types.ts";
import { AUTH_METHODS } from "../client/authenticate.ts";
import { CONTENT_ENCRYPTION_ALGS } from "../client/encryption.ts";
import { KEY_MANAGEMENT_ALGS } from "../client/encryption-keys.ts";
import type { Settings } from "../settings.ts";
import { GRANT_TYPES } from "../token/exchange.ts";
import { SCOPE_CLAIMS } from "../token/scope-claims.ts";

/** How a client may show who it is. */
const METHODS = Object.keys(AUTH_METHODS);
const ASSERTION_ALGS = [...SIGNATURE_ALGS, ...Object.keys(SECRET_ALGS)];
/** Claims that are the server's; the values of the others come from the consent app. */
const OWN_CLAIMS = ["sub", "iss", "aud", "iat", "exp", "auth_time", "nonce", "at_hash", "c_hash", "s_hash", "acr", "amr", "sid", "jti"];

/**
 * The metadata document. Only what works is in it; lists that would be empty are left out.
 * @see RFC 8414 §2, OIDC Discovery §3, RFC 9207 §3, OIDC RP-Initiated Logout §2.1, Session Management §3.3
 */
export function serverMetadata({ issuerUrl, publicUrl, cookies, clients, compatHydra }: Settings): Readonly<Record<string, unknown>> {
  return {
    issuer: issuerUrl,
    authorization_endpoint: `${publicUrl}/oauth2/auth`,
    device_authorization_endpoint: `${publicUrl}/oauth2/device/auth`, // RFC 8628 §4
    token_endpoint: `${publicUrl}/oauth2/token`,
    userinfo_endpoint: `${publicUrl}/userinfo`,
    ...(clients.registration.enabled ? { registration_endpoint: `${publicUrl}/oauth2/register` } : {}),
    jwks_uri: `${publicUrl}/.well-known/jwks.json`,
    scopes_supported: ["offline_access", "offline", "openid", ...Object.keys(SCOPE_CLAIMS)],
    response_types_supported: Object.keys(RESPONSE_TYPES),
    response_modes_supported: Object.keys(RESPONSE_MODES),
    grant_types_supported: [...Object.keys(GRANT_TYPES), "implicit"], // which has no token request
    subject_types_supported: clients.subjectTypes,
    id_token_signing_alg_values_supported: SIGNATURE_ALGS,
    userinfo_signing_alg_values_supported: ["none", ...SIGNATURE_ALGS],
    // Hydra's own members: clients made from its OpenAPI document insist on them, and nobody else knows them.
    ...(compatHydra ? { id_token_signed_response_alg: SIGNATURE_ALGS, userinfo_signed_response_alg: SIGNATURE_ALGS } : {}),
    id_token_encryption_alg_values_supported: KEY_MANAGEMENT_ALGS,
    id_token_encryption_enc_values_supported: CONTENT_ENCRYPTION_ALGS,
    userinfo_encryption_alg_values_supported: KEY_MANAGEMENT_ALGS,
    userinfo_encryption_enc_values_supported: CONTENT_ENCRYPTION_ALGS,
    claims_supported: [...OWN_CLAIMS, ...(compatHydra ? ["rat"] : []), ...Object.values(SCOPE_CLAIMS).flat()],
    token_endpoint_auth_methods_supported: METHODS,
    token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS, // RFC 8414 §2: required beside the two methods of JWTs
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
    claims_parameter_supported: true,
    end_session_endpoint: `${publicUrl}/oauth2/sessions/logout`,
    frontchannel_logout_supported: true,
    frontchannel_logout_session_supported: true,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    ...(cookies.browserState === undefined ? {} : { check_session_iframe: `${publicUrl}/oauth2/sessions/check` }),
    request_parameter_supported: true,
    request_uri_parameter_supported: true,
    require_request_uri_registration: true,
    // Unsigned ones are taken of clients that registered for it: whoever reads this list has not.
    request_object_signing_alg_values_supported: [...(compatHydra ? ["none"] : []), ...SIGNATURE_ALGS],
    revocation_endpoint: `${publicUrl}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: METHODS,
    revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
    introspection_endpoint: `${publicUrl}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: METHODS.filter((method) => method !== "none"),
    introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
  };
}
