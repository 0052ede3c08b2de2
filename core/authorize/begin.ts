import type { AuthorizationRequest } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { makeTimeId } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import { subjectFor } from "../client/pairwise.ts";
import type { StoredClient } from "../model/client.ts";
import { isLiveSession, type Session } from "../model/session.ts";
import { readSession } from "../store/sessions.ts";
import { goTo } from "./answer.ts";
import { bindFlow } from "./cookies.ts";
import type { AuthorizeDeps, Flow } from "./flow.ts";
import { isHinted } from "./id-token-hint.ts";
import { shortenRedirectUri } from "./redirect-uri.ts";
import type { Answer } from "./response-modes.ts";
import { sealLoginChallenge } from "./sealed.ts";
import { isSufficientAcr, isWantedSubject } from "./wanted-login.ts";

/** Prompts that ask for a login whatever the browser remembers. */
const ASKING = ["login", "select_account", "registration"];

/**
 * Sends the browser to the login app, which is always visited: also where its session stands for the login. Writes nothing.
 * @throws OAuthError login_required for prompt=none without a session (OIDC Core §3.1.2.6)
 */
export async function beginLogin(deps: AuthorizeDeps, { client, request, browser, now }: Flow): Promise<Answer> {
  const { config, settings } = deps;
  const session = await findSession(deps, client, request, browser.session, now);
  if (session === undefined && request.prompt.includes("none")) throw new OAuthError("login_required", "Nobody is logged in here, and 'prompt' allows no question");
  const id = makeTimeId(now, deps.random);
  const { digest, setCookie } = bindFlow(deps, browser, id, config.ttl.login_consent_request);
  const short = shortenRedirectUri(client.record.client, request.redirectUri);
  const challenge = sealLoginChallenge(deps, {
    id,
    clientId: client.record.client.clientId,
    clientIncarnation: client.incarnation,
    request: short === undefined ? request : { ...request, redirectUri: "" },
    ...short,
    browser: digest,
    ...(session === undefined
      ? {}
      : { skip: { id: session.id, birth: session.birth, subject: session.subject, authenticatedAt: session.authenticatedAt, acr: session.record.acr } }),
  });
  const { login = `${settings.publicUrl}/oauth2/fallbacks/login`, registration = login } = config.urls;
  const schema = request.parameters.find(({ name }) => name === "identity_schema"); // hydra.md §2.1: Kratos shows the form of it
  const parameters = { ...(schema === undefined ? {} : { identity_schema: schema.value }), login_challenge: challenge };
  return { ...goTo(request.prompt.includes("registration") ? registration : login, parameters), setCookie: [...setCookie] };
}

/** The session that stands for the login, if one does (OIDC Core §3.1.2.3). */
async function findSession(
  { db, issuer, settings }: AuthorizeDeps,
  client: StoredClient,
  request: AuthorizationRequest,
  cookie: Flow["browser"]["session"],
  now: EpochMillis,
): Promise<Session | undefined> {
  const { prompt, maxAge, idTokenHintClaims } = request;
  if (cookie === undefined || prompt.some((each) => ASKING.includes(each))) return undefined;
  const found = await readSession(db, issuer, cookie.id);
  if (found === undefined) return undefined;
  const { session, sessionEpoch } = found;
  if (!session.remember || !equalBytes(session.birth, cookie.birth) || !isLiveSession(session, sessionEpoch, now)) return undefined;
  if (!isFresh(session.authenticatedAt, maxAge, now)) return undefined;
  const { subject } = session;
  if (idTokenHintClaims !== undefined && !isHinted(settings, client, idTokenHintClaims, { subject, sessionId: session.id, forcedSubjectIdentifier: "" })) return undefined;
  return isWantedSubject(request, subjectFor(settings, client.record.client, subject, "")) && isSufficientAcr(request, session.record.acr) ? session : undefined;
}

/** Whether a login is as young as `max_age` asks. 0 asks for a login now. @see OIDC Core §3.1.2.1 */
export function isFresh(authenticatedAt: number, maxAge: number | undefined, now: EpochMillis): boolean {
  return maxAge === undefined || (maxAge > 0 && authenticatedAt + maxAge * 1000 >= now);
}
