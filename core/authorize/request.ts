import { create } from "@bufbuild/protobuf";
import { type AuthorizationRequest, AuthorizationRequestSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { registeredMethod } from "../client/authenticate.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { isOffline } from "../token/issue-of-grant.ts";
import { grantAudience, grantScope } from "../token/requested.ts";
import type { Target } from "./answer.ts";
import { readClaims } from "./claims.ts";
import { readIdTokenHint } from "./id-token-hint.ts";
import { type ParameterMap, single, words } from "./parameters.ts";
import { readCodeChallenge } from "./pkce.ts";
import { chooseRedirectUri } from "./redirect-uri.ts";
import { toResponseMode } from "./response-modes.ts";
import { canonicalResponseType, defaultModeOf, modeOf, type ResponseType, requireResponseType } from "./response-types.ts";

/** What reading a request needs. */
export type RequestDeps = Pick<Deps, "config" | "settings" | "keys">;

const PROMPTS = ["none", "login", "consent", "select_account", "registration"];
/** Parameters that have a field of their own, or are looked at and then not kept. */
const KNOWN = new Set([
  ..."client_id redirect_uri response_type response_mode scope audience state nonce code_challenge code_challenge_method".split(" "),
  ..."prompt max_age acr_values claims ui_locales display login_hint id_token_hint login_verifier consent_verifier".split(" "),
]);
/** What is not supported, with the code that says so (OIDC Core §3.1.2.6, §6). */
const REFUSED = [["registration", "registration_not_supported"]] as const;
/** Hydra's least length of `state` and `nonce`, in characters. */
const HYDRA_LEAST_LENGTH = 8;

/** Where the response goes, before anything else of the request is known to be right. @throws OAuthError when nobody but the person may be told */
export function readTarget({ config }: RequestDeps, { record: { client } }: StoredClient, parameters: ParameterMap): Target {
  const isOpenid = (parameters.get("scope") ?? []).some((scope) => scope.split(" ").includes("openid"));
  const redirectUri = chooseRedirectUri(client, { sent: single(parameters, "redirect_uri"), isOpenid, dev: config.dev });
  const [mode = "", ...otherModes] = parameters.get("response_mode") ?? [];
  const [state, ...otherStates] = parameters.get("state") ?? [];
  const [responseType = ""] = parameters.get("response_type") ?? [];
  return {
    redirectUri,
    mode: modeOf(otherModes.length === 0 ? toResponseMode(mode) : undefined, canonicalResponseType(responseType)),
    state: otherStates.length === 0 ? state : undefined,
  };
}

/**
 * Reads an authorization request.
 * @throws OAuthError that the client may be told
 * @see RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC Core §3.1.2.1
 */
export async function readRequest(deps: RequestDeps, client: StoredClient, parameters: ParameterMap, { redirectUri, mode }: Target): Promise<AuthorizationRequest> {
  const { client: metadata } = client.record;
  const { settings, config } = deps;
  for (const [name, code] of REFUSED) if (parameters.has(name)) throw new OAuthError(code, `'${name}' is not supported`);
  const responseMode = single(parameters, "response_mode");
  if (responseMode !== "" && toResponseMode(responseMode) === undefined)
    throw new OAuthError("unsupported_response_mode", `'response_mode' is '${responseMode.slice(0, 50)}', which is not supported: use query, fragment or form_post`);
  const responseType = requireResponseType(metadata, single(parameters, "response_type"), settings.compatHydra);
  if (responseMode === "query" && mode !== "query")
    throw new OAuthError("unsupported_response_mode", `'response_mode' is query, in which no answer to '${responseType.name}' may be: use fragment or form_post`);
  const scope = requireScope(responseType, grantScope(single(parameters, "scope"), metadata, config.strategies.scope));
  const state = parameters.has("state") ? single(parameters, "state") : undefined;
  const nonce = single(parameters, "nonce");
  if (settings.compatHydra) requireHydraLengths(state, nonce);
  if (responseType.givesIdToken && nonce === "") throw new OAuthError("invalid_request", "'nonce' is missing, which an ID token in the answer needs"); // OIDC Core §3.2.2.1, §3.3.2.11
  const isPublic = registeredMethod(client) === "none";
  const codeChallenge = readCodeChallenge({
    challenge: single(parameters, "code_challenge"),
    method: single(parameters, "code_challenge_method"),
    isRequired: responseType.givesCode && (settings.pkce.forAll || (isPublic && settings.pkce.forPublicClients)),
  });
  const hint = single(parameters, "id_token_hint");
  const claims = single(parameters, "claims");
  const maxAge = readMaxAge(single(parameters, "max_age")) ?? metadata.defaultMaxAge; // OIDC Registration §2
  const acrValues = words(parameters, "acr_values");
  return create(AuthorizationRequestSchema, {
    redirectUri,
    redirectUriSent: parameters.has("redirect_uri"),
    responseType: responseType.name === "code" ? "" : responseType.name,
    responseMode: mode === defaultModeOf(responseType.name) ? "" : mode,
    scope: [...scope],
    audience: [...grantAudience(parameters.get("audience") ?? [], metadata)],
    ...(state === undefined ? {} : { state }),
    nonce,
    codeChallenge,
    prompt: requirePrompt(words(parameters, "prompt")),
    ...(maxAge === undefined ? {} : { maxAge }),
    acrValues: acrValues.length > 0 ? acrValues : metadata.defaultAcrValues,
    claims: scope.includes("openid") ? readClaims(claims, responseType.givesCode || responseType.givesAccessToken) : "",
    uiLocales: words(parameters, "ui_locales"),
    display: single(parameters, "display"),
    loginHint: single(parameters, "login_hint"),
    ...(hint === "" ? {} : { idTokenHintClaims: await readIdTokenHint(deps, hint) }),
    parameters: [...parameters].filter(([name]) => !KNOWN.has(name)).flatMap(([name, values]) => values.map((value) => ({ name, value }))),
  });
}

/** An ID token is only ever for `openid`; where no code buys a refresh token the wish for one is ignored (OIDC Core §3.2.2.1, §11). */
function requireScope({ name, givesCode, givesIdToken }: ResponseType, scope: readonly string[]): readonly string[] {
  if (givesIdToken && !scope.includes("openid")) throw new OAuthError("invalid_request", `'scope' has not the name openid, which the response type '${name}' needs`);
  return givesCode ? scope : scope.filter((each) => !isOffline([each]));
}

function requirePrompt(prompt: string[]): string[] {
  const unknown = prompt.find((each) => !PROMPTS.includes(each));
  if (unknown !== undefined) throw new OAuthError("invalid_request", `'prompt' holds '${unknown.slice(0, 50)}', which is not supported`);
  if (prompt.length > 1 && prompt.includes("none")) throw new OAuthError("invalid_request", "'prompt' holds none together with others");
  return prompt;
}

function readMaxAge(maxAge: string): number | undefined {
  if (maxAge === "") return undefined;
  if (!/^\d{1,10}$/.test(maxAge)) throw new OAuthError("invalid_request", "'max_age' is no whole number of seconds");
  return Math.min(Number(maxAge), 0xffff_ffff);
}

function requireHydraLengths(state: string | undefined, nonce: string): void {
  if ((state ?? "").length < HYDRA_LEAST_LENGTH) throw new OAuthError("invalid_state", `'state' has fewer than ${HYDRA_LEAST_LENGTH} characters`);
  if (nonce !== "" && nonce.length < HYDRA_LEAST_LENGTH) throw new OAuthError("insufficient_entropy", `'nonce' has fewer than ${HYDRA_LEAST_LENGTH} characters`);
}
