import { create } from "@bufbuild/protobuf";
import { ConsentRecordSchema } from "#gen/writ/store/v1/consent_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { timeOf } from "#lib/id.ts";
import { addMillis, type EpochMillis, fromSeconds } from "#lib/time.ts";
import { deviceApproved, deviceGone } from "../device/answer.ts";
import type { DeviceHandle } from "../device/sealed.ts";
import type { Grant } from "../model/grant.ts";
import type { RememberedConsent } from "../store/consents.ts";
import { readDeviceCode } from "../store/device-codes.ts";
import { redeemConsent } from "../store/grant-consent.ts";
import { endGrant, readGrant } from "../store/grants.ts";
import { errorPage, respond, respondError, toResponseError } from "./answer.ts";
import { beginLogin } from "./begin.ts";
import { type Browser, endFlow, isSameBrowser } from "./cookies.ts";
import { type AuthorizeDeps, type Flow, flowExpired, flowRevoked, foreignBrowser, requireSameClient, targetOf, verifierSpent } from "./flow.ts";
import { isRegistered } from "./redirect-uri.ts";
import type { Answer } from "./response-modes.ts";
import { makeResponse, prepareResponse } from "./response-parts.ts";
import { flowExpiry, openConsentVerifier } from "./sealed.ts";
import { watchSession } from "./session-state.ts";

/**
 * The browser is back from the consent app: the decision that its verifier names is redeemed, once, and the client gets its
 * code, its tokens or the error.
 */
export async function afterConsent(deps: AuthorizeDeps, sealed: string, browser: Browser, now: EpochMillis): Promise<Answer> {
  const verifier = openConsentVerifier(deps, sealed);
  const found = verifier === undefined ? undefined : await readGrant(deps.db, deps.issuer, verifier.grantId);
  if (verifier === undefined || found === undefined || !equalBytes(found.grant.birth, verifier.birth)) return errorPage(deps, verifierSpent());
  const { grant } = found;
  const { request } = grant.record;
  if (request === undefined) throw new Error("a grant without its request");
  const client = await requireSameClient(deps, grant);
  if (request.device === undefined && !isRegistered(client.record.client, request.redirectUri))
    return errorPage(deps, new OAuthError("invalid_request", "'redirect_uri' is registered no more"));
  const watched = watchSession(deps, targetOf(request), { clientId: grant.clientId, scope: request.scope, browser });
  const flow: Flow = { client, request, target: watched.target, browser, now };
  try {
    if (flowExpiry(deps, grant.id) <= now) throw flowExpired(deps, "consent");
    if (!isSameBrowser(deps, browser, grant.id, verifier.browser)) throw foreignBrowser(deps);
    const answer = await redeem(deps, flow, grant, verifier.consentId);
    return { ...answer, setCookie: [...(answer.setCookie ?? []), ...endFlow(deps, browser, grant.id), ...watched.setCookie] };
  } catch (error) {
    return { ...respondError(deps, flow.target, toResponseError(error), grant.clientId), setCookie: [...watched.setCookie] };
  }
}

async function redeem(deps: AuthorizeDeps, flow: Flow, grant: Grant, consentId: Uint8Array): Promise<Answer> {
  const { now, target } = flow;
  const { device } = flow.request;
  // A device has its tokens at the token endpoint; its consent answers nobody.
  const response = device === undefined ? await prepareResponse(deps, flow, grant) : undefined;
  const redeemed = await redeemConsent(deps.db, deps.issuer, {
    grant,
    consentId,
    state: response?.type.givesCode === false ? "active" : "code",
    expiresAt: response?.expiresAt ?? fromSeconds(device?.expiresAt ?? 0),
    device,
    joinsSession: flow.client.record.client.backchannelLogoutUri !== "" || flow.client.record.client.frontchannelLogoutUri !== "",
    remember: toRemember(grant),
    attempt: deps.random(16),
    now,
  });
  switch (redeemed.kind) {
    case "redeemed":
      return response === undefined ? deviceApproved(deps, grant.clientId) : respond(deps, target, await makeResponse(deps, response, redeemed.grant, now));
    case "rejected": {
      const { outcome } = redeemed.grant.record.consent ?? {};
      if (outcome?.case !== "rejected") throw new Error("a rejected consent that was accepted");
      return respondError(deps, target, { error: outcome.value.error, description: outcome.value.errorDescription, status: outcome.value.statusCode }, grant.clientId);
    }
    case "device_decided": // by somebody else, or by the clock: nothing may come of this grant any more
      await endGrant(deps.db, deps.issuer, { id: grant.id, birth: grant.birth, attempt: deps.random(16) });
      throw deviceGone();
    case "session_ended":
      return beginLogin(deps, flow);
    case "revoked":
      throw flowRevoked();
    case "expired":
      throw flowExpired(deps, "consent");
    case "spent":
      if (device !== undefined && (await hasApproved(deps, device, grant, consentId))) return deviceApproved(deps, grant.clientId);
      throw verifierSpent();
    case "unknown":
      throw verifierSpent();
  }
}

/** A second click on what has approved a device already: no answer is given twice by it, for the device has it. */
async function hasApproved({ db, issuer }: AuthorizeDeps, { userCodeHash, birth }: DeviceHandle, { id, record }: Grant, consentId: Uint8Array): Promise<boolean> {
  const { consent } = record;
  if (consent?.outcome.case !== "accepted" || !equalBytes(consent.id, consentId)) return false;
  const code = await readDeviceCode(db, issuer, userCodeHash);
  return code?.grantId !== undefined && equalBytes(code.birth, birth) && equalBytes(code.grantId, id);
}

/** What is remembered of an accepted consent. One that was given without a question is a copy of what is remembered already. */
function toRemember({ id, sessionId, record }: Grant): RememberedConsent | undefined {
  const { consent, request, login } = record;
  if (consent?.outcome.case !== "accepted" || consent.skip || !consent.outcome.value.remember || request === undefined || login === undefined) return undefined;
  const { rememberFor } = consent.outcome.value;
  return {
    expiresAt: rememberFor > 0 ? addMillis(timeOf(id), rememberFor * 1000) : undefined,
    record: create(ConsentRecordSchema, { request, login, consent, ...(sessionId === undefined ? {} : { sessionId }) }),
  };
}
