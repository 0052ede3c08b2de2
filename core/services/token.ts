import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { IntrospectResponseSchema, TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import { describe, findLiveToken, findLiveTokens, grants, INACTIVE } from "../token/introspect.ts";
import type { LiveToken } from "../token/live-token.ts";
import { revokeToken } from "../token/revoke.ts";
import { watchRevocations } from "../token/watch-revocations.ts";

const MAX_BATCH = 1000;

/** Tokens, for services that decide on them at a high rate. */
export function tokenService(deps: Deps): Handlers<typeof TokenService> {
  // With `refresh.revoke_previous_access_tokens` a refresh ends tokens, and no event tells of it; nor of a refresh token's rotation.
  const isTracked = ({ facts, grant }: LiveToken): boolean => grant === undefined || (facts.use === "access_token" && !deps.settings.refresh.revokesPrevious);
  const answer = (live: LiveToken | undefined): MessageInitShape<typeof IntrospectResponseSchema> =>
    live === undefined
      ? { introspection: INACTIVE } // not to be kept: the reason may pass, such as a node that starts with an older secret
      : { introspection: { active: true, token: describe(deps, live.facts, "operator") }, cacheable: isTracked(live), revocationKeys: deps.revocationKeys.ofToken(live) };
  return {
    async introspect({ token, scope }, { now }) {
      const live = await findLiveToken(deps, token, now);
      return answer(live !== undefined && grants(deps, live.facts, scope) ? live : undefined);
    },

    async batchIntrospect({ tokens }, { now }) {
      if (tokens.length > MAX_BATCH) throw new ConnectError(`tokens: at most ${MAX_BATCH} at once, got ${tokens.length}`, Code.InvalidArgument);
      return { answers: (await findLiveTokens(deps, tokens, now)).map(answer) };
    },

    async revoke({ token }, { now }) {
      await revokeToken(deps, token, () => true, now);
      return {};
    },

    watchRevocations: ({ cursor }, { signal }) => watchRevocations(deps, cursor, signal),
  };
}
