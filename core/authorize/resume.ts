import type { EpochMillis } from "#lib/time.ts";
import { afterConsent } from "./after-consent.ts";
import { afterLogin } from "./after-login.ts";
import type { Browser } from "./cookies.ts";
import type { AuthorizeDeps } from "./flow.ts";
import type { ParameterMap } from "./parameters.ts";
import type { Answer } from "./response-modes.ts";

/**
 * Goes on with a flow whose browser is back from the login or the consent app with a verifier, beside which nothing else of the URL
 * is looked at. Undefined: it brings none.
 */
export function resumeFlow(deps: AuthorizeDeps, parameters: ParameterMap, browser: Browser, now: EpochMillis): Promise<Answer> | undefined {
  const [loginVerifier] = parameters.get("login_verifier") ?? [];
  if (loginVerifier !== undefined) return afterLogin(deps, loginVerifier, browser, now);
  const [consentVerifier] = parameters.get("consent_verifier") ?? [];
  return consentVerifier === undefined ? undefined : afterConsent(deps, consentVerifier, browser, now);
}
