import { OAuthError } from "#lib/errors.ts";
import { type EpochMillis, fromSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { AccessTokenFacts } from "../model/access-token.ts";
import { revokeRowlessToken } from "../store/revocations.ts";
import { readAccessToken } from "./read-access-token.ts";

/** What revocation needs. */
export type RevokeDeps = Pick<Deps, "db" | "sealer" | "keys" | "issuer" | "log">;

/**
 * Revokes a token. One that is unknown, expired or revoked already is no error; one of another client is left alone, and
 * the answer is the same, so that nobody learns whose it is.
 * @throws OAuthError invalid_request when there is no token; temporarily_unavailable when it could not be revoked
 * @see RFC 7009 §2.1
 */
export async function revokeToken(deps: RevokeDeps, token: string, mayRevoke: (facts: AccessTokenFacts) => boolean, now: EpochMillis): Promise<void> {
  if (token === "") throw new OAuthError("invalid_request", "'token' is missing");
  const facts = await readAccessToken(deps, token);
  if (facts === undefined || facts.handle.state.case !== "rowless" || fromSeconds(facts.expiresAt) <= now) return;
  if (!mayRevoke(facts)) {
    deps.log.warn("token_refused", { reason: "revocation_by_another_client", client_id: facts.clientId });
    return;
  }
  await revokeRowlessToken(deps.db, deps.issuer, facts.handle.state.value, fromSeconds(facts.expiresAt));
  deps.log.info("token_revoked", { client_id: facts.clientId });
}
