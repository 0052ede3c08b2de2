import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import type { ExchangeTokenRequest, ExchangeTokenResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import { type AuthenticateDeps, authenticateClient } from "../client/authenticate.ts";
import { DEVICE_GRANT } from "../device/authorize-device.ts";
import { authorizationCode } from "./grant-types/authorization-code.ts";
import { clientCredentials } from "./grant-types/client-credentials.ts";
import { deviceCode } from "./grant-types/device-code.ts";
import type { GrantType, GrantTypeDeps } from "./grant-types/grant-type.ts";
import { jwtBearer } from "./grant-types/jwt-bearer.ts";
import { refreshToken } from "./grant-types/refresh-token.ts";

/** Every grant type there is: a new one is a new file and a line here. */
export const GRANT_TYPES: Readonly<Record<string, GrantType>> = {
  authorization_code: authorizationCode,
  refresh_token: refreshToken,
  client_credentials: clientCredentials,
  "urn:ietf:params:oauth:grant-type:jwt-bearer": jwtBearer,
  [DEVICE_GRANT]: deviceCode,
};

/**
 * Token endpoint.
 * @throws OAuthError as RFC 6749 §5.2 says
 * @see RFC 6749 §3.2
 */
export async function exchangeToken(
  deps: GrantTypeDeps & AuthenticateDeps,
  request: ExchangeTokenRequest,
  now: EpochMillis,
): Promise<MessageInitShape<typeof ExchangeTokenResponseSchema>> {
  const grantType = requireGrantType(request.grantType, deps.settings.compatHydra); // RFC 6749 §5.2: unsupported_grant_type
  const authenticated = await authenticateClient(deps, request.clientAuthentication, now); // §3.2.1
  requireRegisteredGrantType(authenticated.client.record.client, request.grantType); // §5.2: unauthorized_client
  return grantType(deps, { ...authenticated, request }, now);
}

function requireGrantType(name: string, compatHydra: boolean): GrantType {
  if (name === "") throw new OAuthError("invalid_request", "'grant_type' is missing");
  const grantType = Object.hasOwn(GRANT_TYPES, name) ? GRANT_TYPES[name] : undefined;
  if (grantType === undefined)
    throw new OAuthError(compatHydra ? "invalid_request" : "unsupported_grant_type", `'grant_type' is '${name.slice(0, 100)}', which this server does not support`);
  return grantType;
}

function requireRegisteredGrantType(client: Client, name: string): void {
  const registered = client.grantTypes.length === 0 ? name === "authorization_code" : client.grantTypes.includes(name);
  if (!registered) throw new OAuthError("unauthorized_client", `The client is not registered for the grant type '${name}'`);
}
