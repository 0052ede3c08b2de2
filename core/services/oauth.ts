import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { ClientAuthentication } from "#gen/writ/oauth/v1/request_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { EpochMillis } from "#lib/time.ts";
import { authorize } from "../authorize/authorize.ts";
import { authenticationFailed } from "../client/auth-methods/failure.ts";
import { type AuthenticatedClient, authenticateClient } from "../client/authenticate.ts";
import { isAllowedOrigin } from "../client/origins.ts";
import { deleteDynamicClient, getDynamicClient, registerDynamicClient, updateDynamicClient } from "../client/registration.ts";
import type { Deps } from "../deps.ts";
import { authorizeDevice } from "../device/authorize-device.ts";
import { verifyDevice } from "../device/verify.ts";
import { endSessionEndpoint } from "../logout/end-session.ts";
import { finishJson } from "../metadata/finished.ts";
import { withOverrides } from "../metadata/overrides.ts";
import { serverMetadata } from "../metadata/server-metadata.ts";
import { isOfClient } from "../model/client.ts";
import type { TokenFacts } from "../model/token-facts.ts";
import { exchangeToken } from "../token/exchange.ts";
import { introspect } from "../token/introspect.ts";
import { revokeToken } from "../token/revoke.ts";
import { userinfo } from "../token/userinfo.ts";

/** What the public endpoints are made of. */
export function oauthService(deps: Deps): Handlers<typeof OAuthService> {
  const metadata = finishJson(withOverrides(serverMetadata(deps.settings), deps.config));
  return {
    authorize: (request, { now }) => authorize(deps, request, now),
    endSession: (request, { now }) => endSessionEndpoint(deps, request, now),
    getCheckSession: () => ({ cookie: deps.settings.cookies.browserState ?? "" }),
    authorizeDevice: (request, { now }) => authorizeDevice(deps, request, now),
    verifyDevice: async (request, { now }) => ({ response: await verifyDevice(deps, request, now) }),
    getUserinfo: (request, { now }) => userinfo(deps, request, now),
    checkOrigin: async (request, { now }) => ({ allowed: await isAllowedOrigin(deps, request, now) }),
    exchangeToken: (request, { now }) => exchangeToken(deps, request, now),

    async introspectToken({ clientAuthentication, token }, { now }) {
      const caller = await requireConfidentialClient(deps, clientAuthentication, now); // RFC 7662 §2.1
      if (token === "") throw new OAuthError("invalid_request", "'token' is missing");
      return { introspection: await introspect(deps, token, { keep: (facts) => maySee(caller, facts), seenBy: "client" }, now) };
    },

    async revokeToken({ clientAuthentication, token }, { now }) {
      const { client } = await authenticateClient(deps, clientAuthentication, now); // RFC 7009 §2.1
      await revokeToken(deps, token, (owner) => isOfClient(client, owner), now);
      return {};
    },

    registerClient: async (request, { now }) => ({ registered: await registerDynamicClient(deps, request, now) }),
    getRegisteredClient: async ({ authorization, clientId }) => ({ registered: await getDynamicClient(deps, authorization, clientId) }),
    updateRegisteredClient: async (request, { now }) => ({ registered: await updateDynamicClient(deps, request, now) }),
    async deleteRegisteredClient({ authorization, clientId }) {
      await deleteDynamicClient(deps, authorization, clientId);
      return {};
    },

    getMetadata: () => metadata,

    getJwks: () => deps.keys.published(),
  };
}

async function requireConfidentialClient(deps: Deps, authentication: ClientAuthentication | undefined, now: EpochMillis): Promise<AuthenticatedClient["client"]> {
  const { client, method } = await authenticateClient(deps, authentication, now);
  if (method === "none") throw authenticationFailed("introspection needs a client with credentials");
  return client;
}

/** RFC 7662 §4: a token is shown to the client that holds it and to the resource servers that it is for, to nobody else; a refresh token is for none. */
function maySee(caller: AuthenticatedClient["client"], facts: TokenFacts): boolean {
  const { clientId, introspectionAudience } = caller.record.client;
  if (facts.use === "refresh_token") return facts.clientId === clientId;
  return facts.clientId === clientId || facts.audience.includes(clientId) || introspectionAudience.some((audience) => facts.audience.includes(audience));
}
