import { Code, ConnectError } from "@connectrpc/connect";
import type { TokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import { parseScope } from "#lib/scope.ts";
import type { Deps } from "../deps.ts";
import { endAccessTokens } from "../store/clients.ts";
import { introspect } from "../token/introspect.ts";

/** Tokens, as an administrator sees them. */
export function adminTokenService(deps: Deps): Handlers<typeof TokenService> {
  return {
    async introspectToken({ token, scope }, { now }) {
      if (token === "") throw new OAuthError("invalid_request", "'token' is missing");
      const names = parseScope(scope);
      if (names === undefined) throw new OAuthError("invalid_request", "'scope' holds a character that no scope may have");
      return { introspection: await introspect(deps, token, { scope: names, seenBy: "operator" }, now) };
    },

    async deleteAccessTokens({ clientId }) {
      if (clientId === "") throw new ConnectError("client_id: is required", Code.InvalidArgument);
      const ended = await endAccessTokens(deps.db, deps.issuer, clientId);
      if (ended.kind === "ended") deps.log.info("access_tokens_deleted", { client_id: clientId });
      return {}; // as Hydra: no error for a client that is not there
    },
  };
}
