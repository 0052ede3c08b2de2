import { create } from "@bufbuild/protobuf";
import type { VerifyDeviceRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { AuthorizationRequestSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes } from "#lib/hash.ts";
import { makeTimeId } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import { errorPage, goTo } from "../authorize/answer.ts";
import { beginLogin } from "../authorize/begin.ts";
import { type Browser, bindFlow, endFlow, isSameBrowser, readBrowser } from "../authorize/cookies.ts";
import { type AuthorizeDeps, foreignBrowser, requireSameClient, targetOf, verifierSpent } from "../authorize/flow.ts";
import { type ParameterMap, toParameterMap } from "../authorize/parameters.ts";
import type { Answer } from "../authorize/response-modes.ts";
import { resumeFlow } from "../authorize/resume.ts";
import { flowExpiry } from "../authorize/sealed.ts";
import { denyDeviceCode, readDeviceCode } from "../store/device-codes.ts";
import { deviceDenied, deviceGone } from "./answer.ts";
import { networkOf } from "./guesses.ts";
import { openDeviceVerifier, sealDeviceChallenge } from "./sealed.ts";

/** What is longer is no user code, whatever people put between its characters. */
export const MAX_USER_CODE = 100;

/**
 * The verification URI: a person with a user code, or a browser that comes back with a verifier, beside which nothing else of
 * the URL is looked at.
 * @throws OAuthError for what even an error page could not be made of: it is for the gateway to show
 * @see RFC 8628 §3.3
 */
export async function verifyDevice(deps: AuthorizeDeps, { context, cookie }: VerifyDeviceRequest, now: EpochMillis): Promise<Answer> {
  const parameters = toParameterMap(context?.parameters ?? []);
  const browser = readBrowser(deps, cookie);
  try {
    const resumed = resumeFlow(deps, parameters, browser, now);
    if (resumed !== undefined) return await resumed;
    const [deviceVerifier] = parameters.get("device_verifier") ?? [];
    if (deviceVerifier !== undefined) return await afterUserCode(deps, deviceVerifier, browser, now);
    return goToDeviceApp(deps, parameters, browser, { address: context?.peerAddress ?? "", now });
  } catch (error) {
    if (error instanceof OAuthError) return errorPage(deps, error);
    throw error;
  }
}

/** Sends the browser to the device app. A user code of the URL goes along as it is: nobody is told whether it is one (RFC 8628 §5.1). Writes nothing. */
function goToDeviceApp(deps: AuthorizeDeps, parameters: ParameterMap, browser: Browser, { address, now }: { readonly address: string; readonly now: EpochMillis }): Answer {
  const id = makeTimeId(now, deps.random);
  const { digest, setCookie } = bindFlow(deps, browser, id, deps.config.ttl.login_consent_request);
  const challenge = sealDeviceChallenge(deps, { id, browser: digest, network: networkOf(address) });
  const { verification = `${deps.settings.publicUrl}/oauth2/fallbacks/device` } = deps.config.urls.device;
  const [userCode = ""] = parameters.get("user_code") ?? [];
  return {
    ...goTo(verification, { device_challenge: challenge, ...(userCode === "" || userCode.length > MAX_USER_CODE ? {} : { user_code: userCode }) }),
    setCookie: [...setCookie],
  };
}

/** The browser is back from the device app: on to the login, with what the device asked for. */
async function afterUserCode(deps: AuthorizeDeps, sealed: string, browser: Browser, now: EpochMillis): Promise<Answer> {
  const verifier = openDeviceVerifier(deps, sealed);
  if (verifier?.handle === undefined) throw verifierSpent();
  const { challengeId, handle } = verifier;
  if (flowExpiry(deps, challengeId) <= now) throw deviceGone();
  if (!isSameBrowser(deps, browser, challengeId, verifier.browser)) throw foreignBrowser(deps);
  const code = await readDeviceCode(deps.db, deps.issuer, handle.userCodeHash);
  if (code === undefined || !equalBytes(code.birth, handle.birth) || code.expiresAt <= now) throw deviceGone();
  const client = await requireSameClient(deps, code.record);
  const over = [...endFlow(deps, browser, challengeId)];
  if (verifier.rejected) {
    const { kind } = await denyDeviceCode(deps.db, deps.issuer, { ...handle, now });
    if (kind === "decided") throw deviceGone();
    return {
      ...deviceDenied(deps, { error: "access_denied", description: "The device was refused: it gets no access, and this page can be closed" }, code.record.clientId),
      setCookie: over,
    };
  }
  if (code.state !== "pending") throw deviceGone();
  const request = create(AuthorizationRequestSchema, {
    scope: code.record.scope,
    audience: code.record.audience,
    prompt: verifier.promptLogin ? ["login"] : [],
    device: handle,
  });
  const answer = await beginLogin(deps, { client, request, target: targetOf(request), browser, now });
  return { ...answer, setCookie: [...(answer.setCookie ?? []), ...over] };
}
