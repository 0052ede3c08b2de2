import { createHmac } from "node:crypto";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ConsentSchema, ConsentAcceptance as SentAcceptance } from "#gen/writ/admin/v1/consent_service_pb.ts";
import type { Rejection } from "#gen/writ/admin/v1/handshake_pb.ts";
import type { ConsentChallenge } from "#gen/writ/store/v1/challenge_pb.ts";
import { ConsentAcceptanceSchema, type ConsentDecision, ConsentDecisionSchema, ErrorAnswerSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { addParts, equalBytes } from "#lib/hash.ts";
import { toHex } from "#lib/id.ts";
import { parseScope } from "#lib/scope.ts";
import type { EpochMillis } from "#lib/time.ts";
import { requestUrl, verifierUrl } from "../authorize/request-url.ts";
import { flowExpiry, openConsentChallenge, type SealedDeps, sealConsentVerifier } from "../authorize/sealed.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import type { Grant } from "../model/grant.ts";
import { getSameClient } from "../store/clients.ts";
import { recordConsent } from "../store/grant-consent.ts";
import { readGrant } from "../store/grants.ts";
import { readJson, writeJson } from "./json.ts";
import { toOidcContext } from "./oidc-context.ts";
import { toErrorAnswer } from "./rejection.ts";
import { sealPayload, writePayload } from "./session-payload.ts";

/** What answering consent requests needs. */
export type ConsentDeps = SealedDeps & Pick<Deps, "settings" | "digestKey" | "log">;

interface OpenedConsent {
  readonly challenge: ConsentChallenge;
  readonly grant: Grant;
}

/** Most names that can be granted at once. */
const MAX_NAMES = 500;

/** What the consent app is to show. @throws OAuthError invalid_request, request_unauthorized, Not Found */
export async function getConsent(deps: ConsentDeps, sealed: string, now: EpochMillis): Promise<MessageInitShape<typeof ConsentSchema>> {
  const { challenge, grant } = await openConsent(deps, sealed, now);
  const client = await getSameClient(deps.db, deps.issuer, grant);
  if (client === undefined) throw new OAuthError("Not Found", "The client that asked for consent is registered no more");
  return { ...describeConsent(deps, grant, client), challenge: sealed, skip: challenge.skip };
}

/** A consent request as it can be told from what is kept of it. */
export function describeConsent(
  deps: Pick<Deps, "settings">,
  { id, clientId, subject, sessionId, record }: Pick<Grant, "id" | "clientId" | "subject" | "sessionId"> & { readonly record: Pick<Grant["record"], "request" | "login"> },
  client: StoredClient | undefined,
): MessageInitShape<typeof ConsentSchema> {
  const { request, login } = record;
  if (request === undefined || login === undefined) throw new Error("a grant without its request");
  const context = readJson(login.context);
  return {
    consentRequestId: toHex(id),
    requestedScope: request.scope,
    requestedAccessTokenAudience: request.audience,
    subject,
    oidcContext: toOidcContext(request),
    ...(client === undefined ? {} : { client: client.record.client }),
    requestUrl: requestUrl(deps, clientId, request),
    loginChallenge: toHex(id),
    loginSessionId: sessionId === undefined ? "" : toHex(sessionId),
    acr: login.acr,
    amr: login.amr,
    ...(context === undefined ? {} : { context }),
  };
}

/** Says what the subject agreed to. Where another answer counted already the browser is sent to an error, and nothing is changed. */
export async function acceptConsent(deps: ConsentDeps, sealed: string, sent: SentAcceptance | undefined, now: EpochMillis): Promise<string> {
  const opened = await openConsent(deps, sealed, now);
  const scope = requireNames("grant_scope", sent?.grantScope ?? []);
  const audience = requireNames("grant_access_token_audience", sent?.grantAccessTokenAudience ?? []);
  if (sent !== undefined && sent.rememberFor < 0) throw new OAuthError("invalid_request", "'remember_for' is negative");
  const payload = writePayload(sent?.session);
  const accepted = create(ConsentAcceptanceSchema, {
    scope,
    audience,
    remember: sent?.remember ?? false,
    rememberFor: sent?.rememberFor ?? 0,
    context: writeJson("context", sent?.context),
  });
  // Of the content before it is sealed: sealing makes each time another string.
  const contentDigest = digestOf(deps, opened.grant, [toBinary(ConsentAcceptanceSchema, accepted), Buffer.from(payload.accessToken), Buffer.from(payload.idToken)]);
  const outcome = { case: "accepted" as const, value: { ...accepted, sealedSession: sealPayload(deps.sealer, payload) } };
  deps.log.info("consent_accepted", { client_id: opened.grant.clientId, skip: opened.challenge.skip });
  return record(deps, opened, create(ConsentDecisionSchema, { id: deps.random(16), contentDigest, handledAt: now, skip: opened.challenge.skip, outcome }));
}

/** Says that the subject did not agree. */
export async function rejectConsent(deps: ConsentDeps, sealed: string, rejection: Rejection | undefined, now: EpochMillis): Promise<string> {
  const opened = await openConsent(deps, sealed, now);
  const error = toErrorAnswer(deps, rejection, "consent");
  const contentDigest = digestOf(deps, opened.grant, [Buffer.from("rejected"), toBinary(ErrorAnswerSchema, error)]);
  const outcome = { case: "rejected" as const, value: error };
  return record(deps, opened, create(ConsentDecisionSchema, { id: deps.random(16), contentDigest, handledAt: now, skip: opened.challenge.skip, outcome }));
}

async function record(deps: ConsentDeps, { challenge, grant }: OpenedConsent, consent: ConsentDecision): Promise<string> {
  const recorded = await recordConsent(deps.db, deps.issuer, { grant, consent });
  if (recorded.kind === "unknown") throw noSuchConsent();
  // A verifier of a decision that does not count ends, at the authorization endpoint, in access_denied.
  const consentId = recorded.kind === "recorded" ? recorded.grant.record.consent.id : consent.id;
  const { grantId, birth, browser } = challenge;
  const { request } = grant.record;
  if (request === undefined) throw new Error("a grant without its request");
  return verifierUrl(deps, requestUrl(deps, grant.clientId, request), "consent_verifier", sealConsentVerifier(deps, { grantId, birth, browser, consentId }));
}

async function openConsent(deps: ConsentDeps, sealed: string, now: EpochMillis): Promise<OpenedConsent> {
  if (sealed === "") throw new OAuthError("invalid_request", "'consent_challenge' is missing");
  const challenge = openConsentChallenge(deps, sealed);
  if (challenge === undefined) throw noSuchConsent();
  if (flowExpiry(deps, challenge.grantId) <= now) throw new OAuthError("request_unauthorized", "The consent request has expired");
  const found = await readGrant(deps.db, deps.issuer, challenge.grantId);
  if (found === undefined || !equalBytes(found.grant.birth, challenge.birth)) throw noSuchConsent();
  return { challenge, grant: found.grant };
}

function noSuchConsent(): OAuthError {
  return new OAuthError("Not Found", "'consent_challenge' is none of this server, or its request is no more");
}

function requireNames(member: string, names: readonly string[]): string[] {
  const unique = [...new Set(names)];
  if (unique.length > MAX_NAMES) throw new OAuthError("invalid_request", `'${member}' holds more than ${MAX_NAMES} names`);
  const wrong = unique.find((name) => parseScope(name)?.length !== 1); // RFC 6749 §3.3; an audience travels in the same lists
  if (wrong !== undefined) throw new OAuthError("invalid_request", `'${member}' holds '${wrong.slice(0, 50)}', which is no name`);
  return unique;
}

/** Keyed: a digest of what was sealed must tell nothing of it. The key is the flow's own, for the time of the flow. */
function digestOf({ digestKey }: ConsentDeps, { birth }: Grant, parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha256", digestKey).update(birth);
  addParts(hmac, parts);
  return new Uint8Array(hmac.digest());
}
