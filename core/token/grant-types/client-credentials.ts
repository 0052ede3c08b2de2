import { OAuthError } from "#lib/errors.ts";
import { issueRowlessAccessToken, lifetimeSeconds } from "../issue.ts";
import { grantAudience, grantScope } from "../requested.ts";
import type { GrantType } from "./grant-type.ts";

/** @see RFC 6749 §4.4 */
export const clientCredentials: GrantType = async (deps, { request, client, method }, now) => {
  // RFC 6749 §4.4: confidential clients only. Hydra says invalid_grant.
  if (method === "none")
    throw new OAuthError(
      deps.settings.compatHydra ? "invalid_grant" : "unauthorized_client",
      "The client_credentials grant needs a client with a secret; this one authenticates with 'none'",
    );
  const metadata = client.record.client;
  const { default_grant_allowed_scope: grantAll } = deps.config.oauth2.client_credentials;
  const scope = grantScope(request.scope === "" && grantAll ? metadata.scope : request.scope, metadata, deps.config.strategies.scope); // §3.3
  const audience = grantAudience(request.audience, metadata);
  const expiresIn = lifetimeSeconds(metadata.lifespans?.clientCredentialsGrantAccessTokenLifespan, deps.config.ttl.access_token);
  const { accessToken } = await issueRowlessAccessToken(deps, { client, subject: "", scope, audience, ext: undefined, expiresIn }, request, now);
  return { accessToken, expiresIn, scope: scope.join(" "), tokenType: deps.settings.tokenType }; // §4.4.3: no refresh token
};
