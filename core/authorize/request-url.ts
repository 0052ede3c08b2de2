import type { AuthorizationRequest } from "#gen/writ/store/v1/grant_pb.ts";
import type { Deps } from "../deps.ts";
import type { ParameterMap } from "./parameters.ts";
import { writeCodeChallenge } from "./pkce.ts";

/** Longest URL of ours that a browser is sent to, in characters. */
export const MAX_URL = 8192;

/**
 * The URL of an authorization request, made again from what is known of it: an ID token hint is not in it. Login and consent
 * apps read it; with `prompt` replaced it begins the request anew.
 */
export function requestUrl({ settings }: Pick<Deps, "settings">, clientId: string, request: AuthorizationRequest, prompt: readonly string[] = request.prompt): string {
  if (request.device !== undefined) return `${settings.publicUrl}/oauth2/device/verify?${new URLSearchParams({ client_id: clientId })}`; // RFC 8628: what was asked came by another way
  const query = new URLSearchParams();
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== "") query.append(name, value);
  };
  add("client_id", clientId);
  add("redirect_uri", request.redirectUriSent ? request.redirectUri : "");
  add("response_type", request.responseType || "code");
  add("response_mode", request.responseMode);
  add("scope", request.scope.join(" "));
  for (const audience of request.audience) add("audience", audience);
  add("state", request.state);
  add("nonce", request.nonce);
  if (request.codeChallenge.length > 0) {
    add("code_challenge", writeCodeChallenge(request.codeChallenge));
    add("code_challenge_method", "S256");
  }
  add("prompt", prompt.join(" "));
  add("max_age", request.maxAge?.toString());
  add("acr_values", request.acrValues.join(" "));
  add("claims", request.claims);
  add("ui_locales", request.uiLocales.join(" "));
  add("display", request.display);
  add("login_hint", request.loginHint);
  for (const { name, value } of request.parameters) add(name, value);
  return `${settings.publicUrl}/oauth2/auth?${query}`;
}

/** The URL of one of our endpoints by which a request that came as a form is made again by GET. */
export function sameByGet({ settings }: Pick<Deps, "settings">, path: string, parameters: ParameterMap): string {
  const query = new URLSearchParams([...parameters].flatMap(([name, values]) => values.map((value): [string, string] => [name, value])));
  return `${settings.publicUrl}${path}?${query}`;
}

/** Where the browser takes a verifier: the request's URL, as Hydra has it, with the verifier at its end; without the request where that would be too long. */
export function verifierUrl({ settings }: Pick<Deps, "settings">, requestedUrl: string, name: "login_verifier" | "consent_verifier", verifier: string): string {
  const whole = `${requestedUrl}&${name}=${verifier}`;
  return whole.length <= MAX_URL ? whole : `${settings.publicUrl}/oauth2/auth?${name}=${verifier}`;
}
