import { SIGNATURE_ALGS } from "#lib/signature-algs.ts";
import { RESPONSE_MODES } from "../authorize/response-modes.ts";
import { RESPONSE_TYPES } from "../authorize/response-types.ts";
import { AUTH_METHODS } from "../client/authenticate.ts";
import type { Settings } from "../settings.ts";
import { GRANT_TYPES } from "../token/exchange.ts";

/** How a client may show who it is. */
const METHODS = Object.keys(AUTH_METHODS);

/**
 * The metadata document. Only what works is in it; lists that would be empty are left out.
 * @see RFC 8414 §2, OIDC Discovery §3, RFC 9207 §3
 */
export function serverMetadata({ issuerUrl, publicUrl }: Settings): Readonly<Record<string, unknown>> {
  return {
    issuer: issuerUrl,
    authorization_endpoint: `${publicUrl}/oauth2/auth`,
    device_authorization_endpoint: `${publicUrl}/oauth2/device/auth`, // RFC 8628 §4
    token_endpoint: `${publicUrl}/oauth2/token`,
    userinfo_endpoint: `${publicUrl}/userinfo`,
    jwks_uri: `${publicUrl}/.well-known/jwks.json`,
    scopes_supported: ["offline_access", "offline", "openid"],
    response_types_supported: Object.keys(RESPONSE_TYPES),
    response_modes_supported: Object.keys(RESPONSE_MODES),
    grant_types_supported: Object.keys(GRANT_TYPES),
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: SIGNATURE_ALGS,
    userinfo_signing_alg_values_supported: ["none", ...SIGNATURE_ALGS],
    claims_supported: ["sub", "iss", "aud", "iat", "exp", "auth_time", "rat", "nonce", "at_hash", "acr", "amr", "sid", "jti"],
    token_endpoint_auth_methods_supported: METHODS,
    code_challenge_methods_supported: ["S256"],
    authorization_response_iss_parameter_supported: true,
    claims_parameter_supported: false,
    request_parameter_supported: false,
    request_uri_parameter_supported: false, // said, for absence would mean true
    revocation_endpoint: `${publicUrl}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: METHODS,
    introspection_endpoint: `${publicUrl}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: METHODS.filter((method) => method !== "none"),
  };
}
