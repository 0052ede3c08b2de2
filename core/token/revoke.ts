import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { type EpochMillis, fromSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { ClientIdentity } from "../model/client.ts";
import type { PresentedToken } from "../model/token-facts.ts";
import { endGrant, readGrant } from "../store/grants.ts";
import { revokeRowlessToken } from "../store/revocations.ts";
import { readToken } from "./read-token.ts";

/** What revocation needs. */
export type RevokeDeps = Pick<Deps, "db" | "sealer" | "keys" | "openedTokens" | "issuer" | "log" | "random">;

/**
 * Revokes a token: one of a grant ends the grant, and so all tokens that came of it. One that is unknown, expired or revoked
 * already is no error; one of another client is left alone, and the answer is the same, so that nobody learns whose it is.
 * @throws OAuthError invalid_request when there is no token; temporarily_unavailable when it could not be revoked
 * @see RFC 7009 §2.1
 */
export async function revokeToken(deps: RevokeDeps, token: string, mayRevoke: (owner: ClientIdentity) => boolean, now: EpochMillis): Promise<void> {
  if (token === "") throw new OAuthError("invalid_request", "'token' is missing");
  const presented = await readToken(deps, token);
  if (presented === undefined || fromSeconds(presented.expiresAt) <= now) return;
  const owner = await findOwner(deps, presented);
  if (owner === undefined) return;
  if (!mayRevoke(owner)) {
    deps.log.warn("token_refused", { reason: "revocation_by_another_client", client_id: owner.clientId });
    return;
  }
  const { state } = presented.handle;
  if (state.case === "rowless") await revokeRowlessToken(deps.db, deps.issuer, state.value, fromSeconds(presented.expiresAt));
  else if (state.case === "grant") await endGrant(deps.db, deps.issuer, { id: state.value.id, birth: state.value.birth, attempt: deps.random(16) });
  deps.log.info("token_revoked", { client_id: owner.clientId });
}

/** Undefined: its grant is gone. */
async function findOwner({ db, issuer }: RevokeDeps, { handle, said }: PresentedToken): Promise<ClientIdentity | undefined> {
  if (handle.state.case === "rowless") return said === undefined ? undefined : { clientId: said.clientId, clientIncarnation: handle.clientIncarnation };
  if (handle.state.case !== "grant") return undefined;
  const found = await readGrant(db, issuer, handle.state.value.id);
  return found === undefined || !equalBytes(found.grant.birth, handle.state.value.birth) ? undefined : found.grant;
}
