import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ActiveTokenSchema, IntrospectionSchema } from "#gen/writ/token/v1/introspection_pb.ts";
import { SCOPE_STRATEGIES } from "#lib/scope.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { TokenFacts } from "../model/token-facts.ts";
import { readTokenState, readTokenStates } from "../store/token-states.ts";
import { judge, type LiveToken, stateQuery } from "./live-token.ts";
import { readToken } from "./read-token.ts";

/** What introspection needs. */
export type IntrospectDeps = Pick<Deps, "db" | "sealer" | "keys" | "openedTokens" | "issuer" | "settings" | "config">;

/** What an introspection answer is made of. `keep` decides whether the caller may see the token at all. */
export interface IntrospectOptions {
  readonly keep?: (facts: TokenFacts) => boolean;
  /** Scopes that must all be granted. */
  readonly scope?: readonly string[];
  /** Clients see the `sub` that the token's client knows; operators, who have credentials of their own, the subject too. */
  readonly seenBy: "client" | "operator";
}

/** An answer that says nothing. */
export const INACTIVE: MessageInitShape<typeof IntrospectionSchema> = { active: false };

/**
 * What is known of a token: its facts if it is good now. Exact: reflects every revocation that was committed before.
 * @throws OAuthError temporarily_unavailable when it cannot be known
 * @see RFC 7662 §2.2
 */
export async function findLiveToken(deps: IntrospectDeps, token: string, now: EpochMillis): Promise<LiveToken | undefined> {
  const presented = await readToken(deps, token);
  const query = presented === undefined ? undefined : stateQuery(presented, now);
  if (presented === undefined || query === undefined) return undefined;
  return judge(deps, presented, await readTokenState(deps.db, deps.issuer, query), now);
}

/** The same for many tokens with few statements, in the order of the tokens. One that cannot be judged fails them all: half an answer would be taken for a whole one. */
export async function findLiveTokens(deps: IntrospectDeps, tokens: readonly string[], now: EpochMillis): Promise<readonly (LiveToken | undefined)[]> {
  const presented = await Promise.all(tokens.map((token) => readToken(deps, token)));
  const queries = presented.map((each) => (each === undefined ? undefined : stateQuery(each, now)));
  const asked = queries.filter((query) => query !== undefined);
  const states = asked.length === 0 ? [] : await readTokenStates(deps.db, deps.issuer, asked);
  let next = 0;
  return presented.map((each, i) => {
    const state = queries[i] === undefined ? undefined : states[next++];
    return each === undefined || state === undefined ? undefined : judge(deps, each, state, now);
  });
}

/** Introspects a token. @see RFC 7662 §2.2 */
export async function introspect(
  deps: IntrospectDeps,
  token: string,
  { keep, scope = [], seenBy }: IntrospectOptions,
  now: EpochMillis,
): Promise<MessageInitShape<typeof IntrospectionSchema>> {
  const live = await findLiveToken(deps, token, now);
  if (live === undefined || keep?.(live.facts) === false || !grants(deps, live.facts, scope)) return INACTIVE;
  return { active: true, token: describe(deps, live.facts, seenBy) };
}

/** Whether a token's scopes stand for all of `scope`, by the configured strategy, as Hydra reads them. */
export function grants(deps: Pick<Deps, "config">, facts: TokenFacts, scope: readonly string[]): boolean {
  return scope.every((name) => SCOPE_STRATEGIES[deps.config.strategies.scope](facts.scope, name));
}

/** The members of an active answer (RFC 7662 §2.2; `token_use`, `nbf` and `ext` as Hydra). */
export function describe(deps: Pick<Deps, "settings">, facts: TokenFacts, seenBy: IntrospectOptions["seenBy"]): MessageInitShape<typeof ActiveTokenSchema> {
  const { subject, obfuscatedSubject } = facts;
  return {
    scope: facts.scope.join(" "),
    clientId: facts.clientId,
    sub: (seenBy === "client" && obfuscatedSubject) || subject || facts.clientId,
    obfuscatedSubject: seenBy === "operator" ? obfuscatedSubject : "",
    exp: facts.expiresAt,
    iat: facts.issuedAt,
    nbf: facts.issuedAt,
    aud: [...facts.audience],
    iss: deps.settings.issuerUrl,
    jti: facts.jti,
    tokenType: "Bearer",
    tokenUse: facts.use,
    ...(facts.ext === undefined ? {} : { ext: facts.ext }),
  };
}
