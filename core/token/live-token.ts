import { equalBytes } from "#lib/hash.ts";
import type { AccessTokenFacts } from "../model/access-token.ts";
import type { TokenState, TokenStateQuery } from "../model/token-state.ts";

/** What has to be read to know whether a token lives. Undefined: a form of state that no token of this version has. */
export function stateQuery({ handle, clientId, subject }: AccessTokenFacts): TokenStateQuery | undefined {
  if (handle.state.case !== "rowless") return undefined;
  return { clientId, rowless: handle.state.value, subject: subject === "" ? undefined : subject };
}

/** Whether a token lives: what it captured when it was issued must be what holds now, to the letter. */
export function isLive({ handle }: AccessTokenFacts, state: TokenState): boolean {
  return (
    state.client !== undefined &&
    equalBytes(handle.clientIncarnation, state.client.incarnation) &&
    handle.tokenEpoch === state.client.tokenEpoch &&
    handle.grantEpoch === state.grantEpoch &&
    !state.revoked
  );
}
