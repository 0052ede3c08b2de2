import type { LogoutChallenge } from "#gen/writ/store/v1/logout_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import { toHex } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import { type Browser, endFlow, forgetSession, newBrowserState } from "../authorize/cookies.ts";
import { withParameters } from "../authorize/response-modes.ts";
import type { Deps } from "../deps.ts";
import { getSameClient } from "../store/clients.ts";
import { endSession, type SessionEnd } from "../store/sessions.ts";
import { endUrl, type LogoutAnswer, sendTo } from "./answer.ts";
import { isPostLogoutRedirectUri } from "./request.ts";

/** What ending sessions needs. */
export type FinishDeps = Pick<Deps, "db" | "issuer" | "config" | "settings" | "random" | "sealer" | "logoutDelivery" | "log">;

/**
 * Ends the sessions of a request that the person has agreed to. Brought again it ends nothing more, and the browser goes to
 * the same place: a session that began meanwhile is another one.
 * @see OIDC RP-Initiated Logout §3, OIDC Front-Channel Logout §3, OIDC Back-Channel Logout §2.5
 */
export async function finishLogout(deps: FinishDeps, challenge: LogoutChallenge, browser: Browser, now: EpochMillis): Promise<LogoutAnswer> {
  const ends: SessionEnd[] = [];
  for (const { id, birth } of challenge.sessions) ends.push(await endSession(deps.db, deps.issuer, { id, birth, now, random: deps.random }));
  const ended = ends.filter((end) => end.kind === "ended");
  if (ended.length > 0) deps.logoutDelivery.wake();
  for (const { clients } of ended) deps.log.info("session_ended", { clients: clients.length });
  const frames = ended.flatMap(({ session, clients }) => clients.flatMap(({ client }) => frameOf(deps, client.frontchannelLogoutUri, session.id)));
  const { session } = browser;
  const isOwn = session !== undefined && challenge.sessions.some(({ id }) => equalBytes(id, session.id));
  const state = ended.length > 0 ? newBrowserState(deps) : undefined;
  const setCookie = [...endFlow(deps, browser, challenge.id), ...(isOwn ? [forgetSession(deps)] : []), ...(state === undefined ? [] : [state.setCookie])];
  const location = endUrl(deps, await endOf(deps, challenge));
  if (frames.length === 0) return { ...sendTo(location), setCookie };
  return { answer: { case: "frames", value: { uris: frames, location } }, setCookie };
}

/** Both are added always: whoever needs them not can let them be (OIDC Front-Channel Logout §2), and Hydra's clients may rely on them. */
function frameOf({ settings }: FinishDeps, uri: string, sid: Uint8Array): string[] {
  return uri === "" ? [] : [withParameters(uri, { iss: settings.issuerUrl, sid: toHex(sid) })];
}

/** The client and its URI are looked at again: both can have been taken away since. */
async function endOf({ db, issuer }: FinishDeps, { client: identity, postLogoutRedirectUri, state }: LogoutChallenge) {
  const client = identity === undefined ? undefined : await getSameClient(db, issuer, identity);
  const isGood = client !== undefined && isPostLogoutRedirectUri(client, postLogoutRedirectUri);
  return isGood ? { postLogoutRedirectUri, state } : { postLogoutRedirectUri: "" };
}
