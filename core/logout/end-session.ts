import type { EndSessionRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { LogoutChallenge } from "#gen/writ/store/v1/logout_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import { showError } from "../authorize/answer.ts";
import { type Browser, isSameBrowser, readBrowser } from "../authorize/cookies.ts";
import { flowExpired, foreignBrowser } from "../authorize/flow.ts";
import { single, toParameterMap } from "../authorize/parameters.ts";
import { MAX_URL, sameByGet } from "../authorize/request-url.ts";
import { flowExpiry } from "../authorize/sealed.ts";
import { type LogoutAnswer, sendTo } from "./answer.ts";
import { beginLogout, type LogoutDeps } from "./begin.ts";
import { finishLogout } from "./finish.ts";
import { readLogoutRequest } from "./request.ts";
import { openLogout } from "./sealed.ts";

/**
 * End session endpoint: a new request, a browser that comes back from the logout app with a verifier, or the answer to the
 * page that stands in for such an app.
 * @see OIDC RP-Initiated Logout §2
 */
export async function endSessionEndpoint(deps: LogoutDeps, { context, cookie }: EndSessionRequest, now: EpochMillis): Promise<LogoutAnswer> {
  const parameters = toParameterMap(context?.parameters ?? []);
  const browser = readBrowser(deps, cookie);
  const isPost = context?.method === "POST";
  try {
    const [verifier] = parameters.get("logout_verifier") ?? [];
    if (verifier !== undefined) return await finishLogout(deps, requireOpened(deps, openLogout(deps, "logout_verifier", verifier), browser, now), browser, now);
    const [challenge] = isPost ? (parameters.get("logout_challenge") ?? []) : [];
    if (challenge !== undefined) return await answerOwnPage(deps, challenge, single(parameters, "answer"), browser, now);
    // A form that a client's page posts comes without cookies (SameSite=Lax): the same by GET comes with them.
    const again = isPost && browser.binding === undefined && browser.session === undefined ? sameByGet(deps, "/oauth2/sessions/logout", parameters) : undefined;
    // One that would be too long goes on as it is: the ID token by itself then says which session is meant.
    if (again !== undefined && again.length <= MAX_URL) return sendTo(again);
    return await beginLogout(deps, await readLogoutRequest(deps, parameters), browser, now);
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    deps.log.info("logout_refused", { error: error.code });
    return showError(deps, error);
  }
}

/** The page that stands in for a logout app knows nothing but the challenge, which no other site can know of this browser. */
async function answerOwnPage(deps: LogoutDeps, sealed: string, answer: string, browser: Browser, now: EpochMillis): Promise<LogoutAnswer> {
  if (deps.config.urls.logout !== undefined) throw new OAuthError("invalid_request", "'logout_challenge' is for the logout app, which answers in another way");
  const challenge = requireOpened(deps, openLogout(deps, "logout_challenge", sealed), browser, now);
  if (answer === "yes") return finishLogout(deps, challenge, browser, now);
  deps.log.info("logout_rejected");
  return sendTo(`${deps.settings.publicUrl}/oauth2/fallbacks/logout/rejected`);
}

/** @throws OAuthError when it is none of ours, too old, or of another browser: whoever sends somebody a link cannot log them out by it */
function requireOpened(deps: LogoutDeps, challenge: LogoutChallenge | undefined, browser: Browser, now: EpochMillis): LogoutChallenge {
  if (challenge === undefined) throw new OAuthError("invalid_request", "'logout_verifier' or 'logout_challenge' is none of this server");
  if (flowExpiry(deps, challenge.id) <= now) throw flowExpired(deps, "logout");
  if (!isSameBrowser(deps, browser, challenge.id, challenge.browser)) throw foreignBrowser(deps);
  return challenge;
}
