import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { IntrospectResponseSchema, TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import type { Handlers } from "#lib/rpc/call.ts";
import type { Deps } from "../deps.ts";
import type { AccessTokenFacts } from "../model/access-token.ts";
import { describe, findLiveToken, findLiveTokens, grants, INACTIVE } from "../token/introspect.ts";
import { revokeToken } from "../token/revoke.ts";
import { watchRevocations } from "../token/watch-revocations.ts";

const MAX_BATCH = 1000;

/** Tokens, for services that decide on them at a high rate. */
export function tokenService(deps: Deps): Handlers<typeof TokenService> {
  const answer = (facts: AccessTokenFacts | undefined): MessageInitShape<typeof IntrospectResponseSchema> =>
    facts === undefined
      ? { introspection: INACTIVE } // not to be kept: the reason may pass, such as a node that starts with an older secret
      : { introspection: { active: true, token: describe(deps, facts) }, cacheable: true, revocationKeys: deps.revocationKeys.ofToken(facts) };
  return {
    async introspect({ token, scope }, { now }) {
      const facts = await findLiveToken(deps, token, now);
      return answer(facts !== undefined && grants(deps, facts, scope) ? facts : undefined);
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
