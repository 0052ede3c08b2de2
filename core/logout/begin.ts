import { create } from "@bufbuild/protobuf";
import { LogoutChallengeSchema } from "#gen/writ/store/v1/logout_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import { makeTimeId } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import { goTo } from "../authorize/answer.ts";
import { type Browser, bindFlow, forgetSession } from "../authorize/cookies.ts";
import type { Deps } from "../deps.ts";
import { isLiveSession, type Session } from "../model/session.ts";
import { readSession } from "../store/sessions.ts";
import { endUrl, type LogoutAnswer, sendTo } from "./answer.ts";
import { finishLogout } from "./finish.ts";
import type { LogoutRequest } from "./request.ts";
import { sealLogout } from "./sealed.ts";

/** What the end session endpoint needs. */
export type LogoutDeps = Pick<Deps, "db" | "issuer" | "config" | "settings" | "random" | "sealer" | "keys" | "logoutDelivery" | "log">;

/**
 * Sends the browser to where the person is asked. Writes nothing. Where nobody is logged in there is nothing to ask, and
 * that is no error.
 * @see OIDC RP-Initiated Logout §2, §6
 */
export async function beginLogout(deps: LogoutDeps, request: LogoutRequest, browser: Browser, now: EpochMillis): Promise<LogoutAnswer> {
  const { config, settings } = deps;
  const { client, hint, postLogoutRedirectUri, state, uiLocales, logoutHint } = request;
  const own = await findSession(deps, browser.session, now);
  const hinted = hint?.sid === undefined ? undefined : await findSession(deps, { id: hint.sid }, now);
  const ownSession = own !== undefined && hinted !== undefined && equalBytes(own.id, hinted.id);
  // Whoever has an ID token of one person logs no other one out by it.
  const ownIsMeant = own !== undefined && !ownSession && (hint === undefined || own.subject === (hinted?.subject ?? hint.sub));
  const sessions = [...(hinted === undefined ? [] : [hinted]), ...(ownIsMeant ? [own] : [])];
  const [first] = sessions;
  if (first === undefined) {
    const isStale = browser.session !== undefined && own === undefined;
    return { ...sendTo(endUrl(deps, request)), setCookie: isStale ? [forgetSession(deps)] : [] };
  }
  const id = makeTimeId(now, deps.random);
  const { digest, setCookie } = bindFlow(deps, browser, id, config.ttl.login_consent_request);
  const challenge = create(LogoutChallengeSchema, {
    id,
    sessions: sessions.map((session) => ({ id: session.id, birth: session.birth })),
    subject: first.subject,
    browser: digest,
    ...(client === undefined ? {} : { client: { clientId: client.record.client.clientId, clientIncarnation: client.incarnation } }),
    rpInitiated: hint !== undefined,
    ownSession,
    postLogoutRedirectUri,
    ...(state === undefined ? {} : { state }),
    uiLocales,
    logoutHint,
  });
  // A logout app is visited always, and told that it need not ask; the page that stands in for one could only ask.
  if (config.urls.logout === undefined && ownSession && client?.record.client.skipLogoutConsent === true) return finishLogout(deps, challenge, browser, now);
  const { logout = `${settings.publicUrl}/oauth2/fallbacks/logout` } = config.urls;
  return { ...goTo(logout, { logout_challenge: sealLogout(deps, "logout_challenge", challenge) }), setCookie: [...setCookie] };
}

/** A session that is there and counts. `birth`: known from the browser's cookie. */
async function findSession(
  { db, issuer }: LogoutDeps,
  wanted: { readonly id: Uint8Array; readonly birth?: Uint8Array } | undefined,
  now: EpochMillis,
): Promise<Session | undefined> {
  const found = wanted === undefined ? undefined : await readSession(db, issuer, wanted.id);
  if (found === undefined || !isLiveSession(found.session, found.sessionEpoch, now)) return undefined;
  return wanted?.birth === undefined || equalBytes(found.session.birth, wanted.birth) ? found.session : undefined;
}
