import type { Config } from "#lib/config.ts";

/** Member of the metadata document by the key that overrules it, as Hydra names them. */
const MEMBERS = {
  auth_url: "authorization_endpoint",
  token_url: "token_endpoint",
  jwks_url: "jwks_uri",
  userinfo_url: "userinfo_endpoint",
  client_registration_url: "registration_endpoint",
  device_authorization_url: "device_authorization_endpoint",
} as const satisfies Partial<Record<keyof Config["webfinger"]["oidc_discovery"], string>>;

/** The metadata document as the operator wants it: an endpoint behind something of his, claims and scopes that his apps know. */
export function withOverrides(metadata: Readonly<Record<string, unknown>>, { webfinger }: Pick<Config, "webfinger">): Readonly<Record<string, unknown>> {
  const { supported_claims: claims, supported_scope: scopes, ...urls } = webfinger.oidc_discovery;
  const changed: Record<string, unknown> = { ...metadata };
  for (const [key, url] of Object.entries(urls)) if (url !== undefined) changed[MEMBERS[key as keyof typeof MEMBERS]] = url;
  for (const [name, more] of [
    ["claims_supported", claims],
    ["scopes_supported", scopes],
  ] as const)
    if (more.length > 0) changed[name] = [...new Set([...((metadata[name] as readonly string[] | undefined) ?? []), ...more])];
  return changed;
}
