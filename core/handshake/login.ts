import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Rejection } from "#gen/writ/admin/v1/handshake_pb.ts";
import type { LoginAcceptance, LoginSchema } from "#gen/writ/admin/v1/login_service_pb.ts";
import { LoginAnswerSchema, type LoginChallenge, LoginOutcomeSchema } from "#gen/writ/store/v1/challenge_pb.ts";
import { type AuthorizationRequest, type ErrorAnswer, ErrorAnswerSchema, LoginDecisionSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { toHex } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import { restoreRedirectUri } from "../authorize/redirect-uri.ts";
import { requestUrl, verifierUrl } from "../authorize/request-url.ts";
import { openLoginChallenge, type SealedDeps, sealLoginVerifier } from "../authorize/sealed.ts";
import type { Deps } from "../deps.ts";
import { deviceVerifierUrl } from "../device/sealed.ts";
import type { StoredClient } from "../model/client.ts";
import { LIMITS } from "../model/limits.ts";
import { getSameClient } from "../store/clients.ts";
import { readSubjectEpochs } from "../store/subjects.ts";
import { requireChallenge } from "./challenge.ts";
import { writeJson } from "./json.ts";
import { toOidcContext } from "./oidc-context.ts";
import { toErrorAnswer } from "./rejection.ts";

/** What answering login requests needs. */
export type LoginDeps = SealedDeps & Pick<Deps, "settings" | "log">;

interface OpenedLogin {
  readonly challenge: LoginChallenge;
  readonly client: StoredClient;
  readonly request: AuthorizationRequest;
}

const MAX_AMR = 50;
/** The login app knows the browser by another subject than its session here, and no question may be asked. */
const NOT_THE_SESSION = { error: "login_required", errorDescription: "Somebody else than the session's subject has to log in, and 'prompt' allows no question" };
/** Another subject than the session's was accepted, and an ID token says who it must be. */
const NOT_THE_HINTED = { error: "login_required", errorDescription: "Somebody else logged in than 'id_token_hint' names" };

/** What the login app is to do. @throws OAuthError invalid_request, request_unauthorized, Not Found */
export async function getLogin(deps: LoginDeps, sealed: string, now: EpochMillis): Promise<MessageInitShape<typeof LoginSchema>> {
  const { challenge, client, request } = await openLogin(deps, sealed, now);
  const { skip } = challenge;
  return {
    challenge: sealed,
    requestedScope: request.scope,
    requestedAccessTokenAudience: request.audience,
    skip: skip !== undefined,
    subject: skip?.subject ?? "",
    oidcContext: toOidcContext(request),
    client: client.record.client,
    requestUrl: requestUrl(deps, challenge.clientId, request),
    sessionId: toHex(skip?.id ?? challenge.id),
  };
}

/**
 * Says who logged in, as often as the app likes: each time makes a decision of its own, and the one whose verifier the bound
 * browser brings first counts. Captures the subject's epochs, so that what is revoked from now on holds for the flow too.
 */
export async function acceptLogin(deps: LoginDeps, sealed: string, sent: LoginAcceptance | undefined, now: EpochMillis): Promise<string> {
  const { challenge, client, request } = await openLogin(deps, sealed, now);
  const accept = requireAcceptance(sent);
  const { skip } = challenge;
  const { clientId } = client.record.client;
  // Somebody else than the session's subject: as Hydra, they have to log in for themselves.
  if (skip !== undefined && skip.subject !== accept.subject) {
    if (request.prompt.includes("none")) return rejectionUrl(deps, { challenge, request }, create(ErrorAnswerSchema, NOT_THE_SESSION)); // no page may be shown (OIDC Core §3.1.2.1)
    // The session is the one that the hint names, and a request that is begun anew would have lost it (§3.1.2.2).
    if (request.idTokenHintClaims !== undefined) return rejectionUrl(deps, { challenge, request }, create(ErrorAnswerSchema, NOT_THE_HINTED));
    return loginAgainUrl(deps, challenge, request);
  }
  const { grantEpoch, sessionEpoch } = await readSubjectEpochs(deps.db, deps.issuer, accept.subject);
  const answer = create(LoginAnswerSchema, {
    decision: deps.random(16),
    subject: accept.subject,
    grantEpoch,
    sessionEpoch,
    login: create(LoginDecisionSchema, {
      acr: accept.acr || (skip?.acr ?? ""),
      amr: accept.amr,
      context: writeJson("context", accept.context),
      remember: skip !== undefined || accept.remember,
      rememberFor: accept.rememberFor,
      identityProviderSessionId: accept.identityProviderSessionId,
      forcedSubjectIdentifier: accept.forceSubjectIdentifier,
      authenticatedAt: skip?.authenticatedAt ?? now,
      skip: skip !== undefined,
      extendSessionLifespan: skip !== undefined && accept.extendSessionLifespan,
    }),
  });
  const verifier = await sealLoginVerifier(deps, create(LoginOutcomeSchema, { challenge, answer: { case: "accepted", value: answer } }));
  deps.log.info("login_accepted", { client_id: clientId, skip: skip !== undefined });
  return verifierUrl(deps, requestUrl(deps, clientId, request), "login_verifier", verifier);
}

/** Says that nobody logs in. Writes nothing. */
export async function rejectLogin(deps: LoginDeps, sealed: string, rejection: Rejection | undefined, now: EpochMillis): Promise<string> {
  return rejectionUrl(deps, await openLogin(deps, sealed, now), toErrorAnswer(deps, rejection, "login"));
}

async function rejectionUrl(deps: LoginDeps, { challenge, request }: Pick<OpenedLogin, "challenge" | "request">, error: ErrorAnswer): Promise<string> {
  const verifier = await sealLoginVerifier(deps, create(LoginOutcomeSchema, { challenge, answer: { case: "rejected", value: error } }));
  return verifierUrl(deps, requestUrl(deps, challenge.clientId, request), "login_verifier", verifier);
}

/** Begins the request anew, so that somebody has to log in. */
function loginAgainUrl(deps: LoginDeps, { id, browser, clientId }: LoginChallenge, request: AuthorizationRequest): string {
  const { device } = request;
  return device === undefined ? requestUrl(deps, clientId, request, ["login"]) : deviceVerifierUrl(deps, clientId, { challengeId: id, browser, handle: device, promptLogin: true });
}

async function openLogin(deps: LoginDeps, sealed: string, now: EpochMillis): Promise<OpenedLogin> {
  const opened = openLoginChallenge(deps, sealed);
  const whole = opened?.request === undefined ? undefined : { ...opened, request: opened.request };
  const challenge = requireChallenge(deps, { name: "login_challenge", what: "login request" }, sealed, whole, now);
  const client = await getSameClient(deps.db, deps.issuer, challenge);
  if (client === undefined) throw new OAuthError("Not Found", "The client that asked for the login is registered no more");
  return { challenge, client, request: { ...challenge.request, redirectUri: restoreRedirectUri(client.record.client, challenge) ?? "" } };
}

function requireAcceptance(accept: LoginAcceptance | undefined): LoginAcceptance {
  if (accept === undefined || accept.subject === "") throw new OAuthError("invalid_request", "'subject' is missing");
  if (Buffer.byteLength(accept.subject) > LIMITS.subject) throw new OAuthError("invalid_request", `'subject' is longer than ${LIMITS.subject} bytes`);
  if (!accept.subject.isWellFormed() || /\p{Cc}/u.test(accept.subject)) throw new OAuthError("invalid_request", "'subject' holds a control character");
  if (accept.rememberFor < 0) throw new OAuthError("invalid_request", "'remember_for' is negative");
  if (accept.acr.length > 255) throw new OAuthError("invalid_request", "'acr' is longer than 255 characters");
  if (accept.amr.length > MAX_AMR || accept.amr.some((each) => each.length > 255)) throw new OAuthError("invalid_request", "'amr' holds too much");
  if (accept.identityProviderSessionId.length > 255) throw new OAuthError("invalid_request", "'identity_provider_session_id' is longer than 255 characters");
  if (accept.forceSubjectIdentifier.length > 255) throw new OAuthError("invalid_request", "'force_subject_identifier' is longer than 255 characters"); // OIDC Core §2, `sub`
  return accept;
}
