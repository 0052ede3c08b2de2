import { OAuthError } from "#lib/errors.ts";
import type { Deps } from "../deps.ts";
import { type Answer, RESPONSE_MODES, type ResponseModeName, type ResponseParameters } from "./response-modes.ts";

/** Where the response to an authorization request goes: a redirect URI that was checked. */
export interface Target {
  readonly redirectUri: string;
  readonly mode: ResponseModeName;
  /** `state` of the request. Undefined: it had none. */
  readonly state: string | undefined;
  /** `session_state` (OIDC Session Management §2). Absent: the client cannot watch the session. */
  readonly sessionState?: string;
  /** A device asked (RFC 8628): there is no client at the end of a redirect, and errors are for the person. */
  readonly isDevice?: boolean;
}

/** Answers the client. @see RFC 6749 §4.1.2, RFC 9207 §2 */
export function respond({ settings }: Pick<Deps, "settings">, { redirectUri, mode, state, sessionState }: Target, parameters: ResponseParameters): Answer {
  const more = { ...(state === undefined ? {} : { state }), iss: settings.issuerUrl, ...(sessionState === undefined ? {} : { session_state: sessionState }) };
  return RESPONSE_MODES[mode](redirectUri, { ...parameters, ...more });
}

/** An error as the client is to get it: by code, for it may be one of the login or consent app's own. */
export interface ResponseError {
  readonly error: string;
  readonly description: string;
  /** HTTP status that an app wants, where the error is a page. 0: by the error. */
  readonly status?: number;
}

/** Tells the client of an error. @see RFC 6749 §4.1.2.1 */
export function respondError(deps: Pick<Deps, "config" | "settings" | "log">, target: Target, refused: ResponseError, clientId: string): Answer {
  const { error, description } = refused;
  deps.log.info("authorization_refused", { client_id: clientId, error });
  if (target.isDevice === true) return personPage(deps, refused);
  return respond(deps, target, { error, error_description: description });
}

/** What was thrown, as the client is to get it. Whatever is no error of the protocol goes on. */
export function toResponseError(error: unknown): ResponseError {
  if (!(error instanceof OAuthError)) throw error;
  return { error: error.code, description: error.message };
}

/** An answer that every endpoint for browsers can give. */
interface PlainAnswer {
  readonly answer:
    | { readonly case: "redirect"; readonly value: { readonly location: string; readonly status: number } }
    | { readonly case: "errorPage"; readonly value: { readonly error: string; readonly errorDescription: string; readonly status: number } };
}

/** Tells the person at the browser of an error, where there is no client that may be told (RFC 6749 §4.1.2.1). */
export function errorPage(deps: Pick<Deps, "config" | "log">, error: OAuthError): Answer {
  deps.log.info("authorization_refused", { error: error.code, page: true });
  return showError(deps, error);
}

/** Sends the browser to the operator's page for errors, or shows one. */
export function showError({ config }: Pick<Deps, "config">, error: OAuthError): PlainAnswer {
  return personPage({ config }, { error: error.code, description: error.message, status: pageStatus(error) });
}

/** The page itself, or that of `urls.error`. */
export function personPage({ config }: Pick<Deps, "config">, { error, description, status = 0 }: ResponseError): PlainAnswer {
  const { error: errorUrl } = config.urls;
  if (errorUrl === undefined) return { answer: { case: "errorPage", value: { error, errorDescription: description, status: status || 400 } } };
  return goTo(errorUrl, { error, error_description: description });
}

/** A page is no challenge to authenticate, and tells of a bad request: 400, also where the endpoints of programs say 401 or 403. */
function pageStatus({ status }: OAuthError): number {
  return status >= 500 ? status : 400;
}

/** Sends the browser to one of the operator's apps. What its URL has in its query stays. */
export function goTo(url: string, parameters: ResponseParameters): PlainAnswer {
  const location = new URL(url);
  for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value);
  return { answer: { case: "redirect", value: { location: location.href, status: 302 } } };
}
