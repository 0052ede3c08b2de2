import type { RevokeLoginSessionsRequest } from "#gen/writ/admin/v1/session_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { fromHex } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { LIMITS } from "../model/limits.ts";
import { endSession } from "../store/sessions.ts";
import { bumpSessionEpoch } from "../store/subjects.ts";

/**
 * Ends login sessions, all of a subject or one: browsers have to log in again, flows that were begun in them fail. Tokens
 * live on. Clients are told by the back channel when it is one session (as Hydra does); the sessions of a subject end by a counter.
 * @throws OAuthError invalid_request when it is not said which
 */
export async function revokeLoginSessions(
  { db, issuer, random, logoutDelivery, log }: Pick<Deps, "db" | "issuer" | "random" | "logoutDelivery" | "log">,
  { subject, sid }: RevokeLoginSessionsRequest,
  now: EpochMillis,
): Promise<void> {
  if ((subject === "") === (sid === "")) throw new OAuthError("invalid_request", "Say which sessions: either 'subject' or 'sid'");
  if (Buffer.byteLength(subject) > LIMITS.subject) return; // nobody has such a name
  if (subject !== "") await bumpSessionEpoch(db, issuer, subject);
  else {
    const id = fromHex(sid);
    if (id !== undefined && (await endSession(db, issuer, { id, birth: undefined, now, random })).kind === "ended") logoutDelivery.wake();
  }
  log.info("login_sessions_revoked", { all: subject !== "" });
}
