import { create } from "@bufbuild/protobuf";
import type { LoginAnswer, LoginChallenge } from "#gen/writ/store/v1/challenge_pb.ts";
import { GrantRecordSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { SessionRecordSchema } from "#gen/writ/store/v1/session_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { timeOf } from "#lib/id.ts";
import { SCOPE_STRATEGIES } from "#lib/scope.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";
import { registeredMethod } from "../client/authenticate.ts";
import { obfuscatedSubject, subjectFor } from "../client/pairwise.ts";
import type { Consent } from "../model/consent.ts";
import type { Grant } from "../model/grant.ts";
import { findRememberedConsent } from "../store/consents.ts";
import { denyDeviceCode } from "../store/device-codes.ts";
import { openGrant } from "../store/grants.ts";
import { readSession, type SessionChange } from "../store/sessions.ts";
import { errorPage, goTo, respondError, toResponseError } from "./answer.ts";
import { beginLogin, isFresh } from "./begin.ts";
import { type Browser, endFlow, forgetSession, isSameBrowser, newBrowserState, rememberSession } from "./cookies.ts";
import { coversClaims } from "./covered-claims.ts";
import { type AuthorizeDeps, type Flow, flowExpired, flowRevoked, foreignBrowser, requireSameClient, targetOf, verifierSpent } from "./flow.ts";
import { isHinted } from "./id-token-hint.ts";
import { isHardToTakeOver, restoreRedirectUri } from "./redirect-uri.ts";
import type { Answer } from "./response-modes.ts";
import { defaultModeOf } from "./response-types.ts";
import { flowExpiry, openLoginVerifier, sealConsentChallenge } from "./sealed.ts";
import { watchSession } from "./session-state.ts";
import { isSufficientAcr, isWantedSubject } from "./wanted-login.ts";

/** A login that was accepted, on its way to the consent app. */
interface LoggedIn extends Flow {
  readonly challenge: LoginChallenge;
  readonly answer: LoginAnswer & { readonly login: NonNullable<LoginAnswer["login"]> };
}

/**
 * The browser is back from the login app. The first of several answers that it brings counts: it opens the grant, which is
 * the first row of a flow, and sends the browser on to the consent app. A rejected login writes nothing.
 */
export async function afterLogin(deps: AuthorizeDeps, verifier: string, browser: Browser, now: EpochMillis): Promise<Answer> {
  const outcome = await openLoginVerifier(deps, verifier, now);
  const { challenge } = outcome ?? {};
  if (outcome === undefined || challenge?.request === undefined) return errorPage(deps, verifierSpent());
  const client = await requireSameClient(deps, challenge);
  const redirectUri = restoreRedirectUri(client.record.client, challenge);
  if (redirectUri === undefined) return errorPage(deps, new OAuthError("invalid_request", "'redirect_uri' is registered no more"));
  const request = { ...challenge.request, redirectUri };
  const watched = watchSession(deps, targetOf(request), { clientId: challenge.clientId, scope: request.scope, browser });
  const flow: Flow = { client, request, target: watched.target, browser, now };
  try {
    if (flowExpiry(deps, challenge.id) <= now) throw flowExpired(deps, "login");
    if (!isSameBrowser(deps, browser, challenge.id, challenge.browser)) throw foreignBrowser(deps);
    if (outcome.answer.case === "rejected") {
      const { error, errorDescription: description, statusCode: status } = outcome.answer.value;
      if (request.device !== undefined) await denyDeviceCode(deps.db, deps.issuer, { ...request.device, now }); // RFC 8628 §3.5: its next poll is told
      return { ...respondError(deps, flow.target, { error, description, status }, challenge.clientId), setCookie: [...endFlow(deps, browser, challenge.id), ...watched.setCookie] };
    }
    const { value: answer } = outcome.answer;
    if (answer?.login === undefined) throw verifierSpent();
    return await goToConsent(deps, { ...flow, challenge, answer: { ...answer, login: answer.login } });
  } catch (error) {
    return { ...respondError(deps, flow.target, toResponseError(error), challenge.clientId), setCookie: [...watched.setCookie] };
  }
}

async function goToConsent(deps: AuthorizeDeps, flow: LoggedIn): Promise<Answer> {
  const { client, request, challenge, answer, now } = flow;
  const { db, issuer } = deps;
  requireWantedLogin(deps, flow);
  // Asked before the grant is opened: pages that ask again and again without a question leave no rows.
  if (request.prompt.includes("none") && !isCovered(deps, flow, await findRememberedConsent(db, issuer, answer.subject, challenge.clientId, now)))
    throw new OAuthError("consent_required", "Consent has to be asked for, and 'prompt' allows no question");
  const birth = deps.random(8);
  const session = sessionChange(deps, flow);
  const opened = await openGrant(db, issuer, {
    grant: {
      id: challenge.id,
      birth,
      clientId: challenge.clientId,
      clientIncarnation: challenge.clientIncarnation,
      subject: answer.subject,
      decision: answer.decision,
      grantEpoch: answer.grantEpoch,
      sessionEpoch: answer.sessionEpoch,
      expiresAt: flowExpiry(deps, challenge.id),
      record: create(GrantRecordSchema, {
        request,
        login: answer.login,
        obfuscatedSubject: obfuscatedSubject(deps.settings, client.record.client, answer.subject, answer.login.forcedSubjectIdentifier),
      }),
    },
    session,
    now,
  });
  switch (opened.kind) {
    case "spent":
      throw verifierSpent();
    case "revoked":
      throw flowRevoked();
    case "session_ended":
      return beginLogin(deps, flow); // which says login_required where no question may be asked
    case "opened": {
      const isReload = !equalBytes(opened.grant.birth, birth);
      const consentChallenge = sealConsentChallenge(deps, {
        grantId: opened.grant.id,
        birth: opened.grant.birth,
        browser: challenge.browser,
        skip: isCovered(deps, flow, opened.remembered),
      });
      const { consent = `${deps.settings.publicUrl}/oauth2/fallbacks/consent` } = deps.config.urls;
      return { ...goTo(consent, { consent_challenge: consentChallenge }), setCookie: await sessionCookies(deps, flow, session, isReload ? opened.grant : undefined) };
    }
  }
}

/** What was asked of the login is looked at again now: time has passed, and somebody else may have logged in. */
function requireWantedLogin({ settings }: AuthorizeDeps, { client, request, challenge, answer, now }: LoggedIn): void {
  const { prompt, maxAge, idTokenHintClaims } = request;
  const { authenticatedAt, acr, forcedSubjectIdentifier } = answer.login;
  const person = { subject: answer.subject, sessionId: challenge.skip?.id, forcedSubjectIdentifier };
  const requestedAt = timeOf(challenge.id);
  if (prompt.includes("login") && authenticatedAt < requestedAt) throw new OAuthError("login_required", "'prompt' asks for a login, and there was none since");
  if (prompt.includes("none") && authenticatedAt > requestedAt) throw new OAuthError("login_required", "'prompt' allows no question, and the login app asked one");
  if (challenge.skip !== undefined && !isFresh(authenticatedAt, maxAge, now)) throw new OAuthError("login_required", "The login is older than 'max_age' allows");
  if (idTokenHintClaims !== undefined && !isHinted(settings, client, idTokenHintClaims, person))
    throw new OAuthError("login_required", "Somebody else logged in than 'id_token_hint' names");
  const sub = subjectFor(settings, client.record.client, answer.subject, forcedSubjectIdentifier);
  if (!isWantedSubject(request, sub)) throw new OAuthError("login_required", "Somebody else logged in than 'claims' names");
  if (!isSufficientAcr(request, acr)) throw new OAuthError("unmet_authentication_requirements", "The login is of none of the context classes that 'claims' asks for as essential");
}

/** A remembered consent covers the request: no question is needed. */
function isCovered({ config, settings }: AuthorizeDeps, { client, request }: LoggedIn, remembered: Consent | undefined): boolean {
  const { outcome } = remembered?.record.consent ?? {};
  if (outcome?.case !== "accepted" || request.prompt.includes("consent")) return false;
  if (request.device !== undefined && !settings.compatHydra) return false; // RFC 8628 §5.4: whoever sent the link may hold the device
  // RFC 8252 §8.6. Tokens in the answer itself go to whoever has the address, whatever the client can prove elsewhere.
  const isUnproven = registeredMethod(client) === "none" || defaultModeOf(request.responseType) === "fragment";
  if (isUnproven && !isHardToTakeOver(request.redirectUri)) return false;
  if (!coversClaims({ ...remembered?.record, accepted: outcome.value }, request)) return false;
  const covers = SCOPE_STRATEGIES[config.strategies.scope];
  return request.scope.every((name) => covers(outcome.value.scope, name));
}

function sessionChange(deps: AuthorizeDeps, { challenge, answer, browser, now }: LoggedIn): SessionChange {
  const { login } = answer;
  const until = addMillis(now, rememberedSeconds(deps, login.rememberFor) * 1000);
  const { skip } = challenge;
  if (skip !== undefined) return { kind: "keep", id: skip.id, birth: skip.birth, expiresAt: login.extendSessionLifespan ? until : undefined };
  const record = create(SessionRecordSchema, {
    acr: login.acr,
    amr: login.amr,
    identityProviderSessionId: login.identityProviderSessionId,
    rememberFor: login.rememberFor,
  });
  const session = { id: challenge.id, birth: deps.random(8), authenticatedAt: login.authenticatedAt as EpochMillis, remember: login.remember, expiresAt: until, record };
  return { kind: "new", session, replaces: browser.session?.id };
}

/** `first`: the grant as an earlier load of the same URL has opened it, whose session this browser then has. */
async function sessionCookies(deps: AuthorizeDeps, { challenge, answer, browser }: LoggedIn, change: SessionChange, first: Grant | undefined): Promise<string[]> {
  const { login } = answer;
  const seconds = rememberedSeconds(deps, login.rememberFor);
  if (change.kind === "keep") return login.extendSessionLifespan ? [rememberSession(deps, change, seconds)] : [];
  const state = newBrowserState(deps); // somebody has logged in
  const changed = state === undefined ? [] : [state.setCookie];
  if (!login.remember) return [...changed, ...(browser.session === undefined ? [] : [forgetSession(deps)])];
  const session = first === undefined ? change.session : (await readSession(deps.db, deps.issuer, first.sessionId ?? challenge.id))?.session;
  return session === undefined ? changed : [...changed, rememberSession(deps, session, seconds)];
}

/** Seconds that a browser is remembered; 0 stands for what is configured. */
function rememberedSeconds({ config }: AuthorizeDeps, rememberFor: number): number {
  return rememberFor > 0 ? rememberFor : Math.floor(config.ttl.authentication_session / 1000);
}
