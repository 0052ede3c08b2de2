import { type Exchange, send } from "../http/exchange.ts";
import { type Parameters, parseParameters, readForm } from "../http/form.ts";
import { oauthFailure, renderOAuthError } from "../http/render-error.ts";
import { sendErrorPage } from "../pages/error.ts";

/**
 * Parameters of an endpoint for browsers: by GET in the query, by POST in the form; a POST's query is part of its URL and read
 * too. Undefined: it was answered already, or nobody waits for an answer.
 * @see RFC 6749 §3.1, OIDC RP-Initiated Logout §2
 */
export async function readBrowserParameters(exchange: Exchange): Promise<Parameters | undefined> {
  const inQuery = parseParameters(exchange.query, { keepRepeated: true });
  if (exchange.request.method !== "POST") return inQuery;
  const inForm = await readForm(exchange, { keepRepeated: true });
  return inForm === undefined ? undefined : [...inQuery, ...inForm];
}

/** Answers a browser whose request failed before core had an answer. @throws what it was where the log is to have it */
export function failBrowser(exchange: Exchange, error: unknown): void {
  if (!wantsPage(exchange)) return renderOAuthError(exchange, error);
  sendErrorPage(exchange, oauthFailure(error));
  if (exchange.response.statusCode >= 500) throw error; // answered; the log is to have it
}

/** Sends the browser elsewhere. */
export function sendRedirect(
  exchange: Exchange,
  { status, location }: { readonly status: number; readonly location: string },
  headers: Readonly<Record<string, string | readonly string[]>>,
): void {
  send(exchange, status, undefined, "", { ...headers, location });
}

/** A person is at a browser, unless the request says that only JSON is understood. */
function wantsPage({ request }: Exchange): boolean {
  const { accept = "" } = request.headers;
  return !accept.includes("json") || accept.includes("html");
}
