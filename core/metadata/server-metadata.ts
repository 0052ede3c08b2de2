import type { Settings } from "../settings.ts";
import { GRANT_TYPES } from "../token/exchange.ts";

/** How a client may show who it is at the token endpoint. */
const CONFIDENTIAL_METHODS = ["client_secret_basic", "client_secret_post"] as const;

/**
 * The metadata document. Only what works is in it; lists that would be empty are left out.
 * @see RFC 8414 §2, OIDC Discovery §3
 */
export function serverMetadata({ issuerUrl, publicUrl }: Settings): Readonly<Record<string, unknown>> {
  return {
    issuer: issuerUrl,
    token_endpoint: `${publicUrl}/oauth2/token`,
    jwks_uri: `${publicUrl}/.well-known/jwks.json`,
    grant_types_supported: Object.keys(GRANT_TYPES),
    token_endpoint_auth_methods_supported: CONFIDENTIAL_METHODS,
    revocation_endpoint: `${publicUrl}/oauth2/revoke`,
    revocation_endpoint_auth_methods_supported: [...CONFIDENTIAL_METHODS, "none"],
    introspection_endpoint: `${publicUrl}/oauth2/introspect`,
    introspection_endpoint_auth_methods_supported: CONFIDENTIAL_METHODS,
  };
}
