import { Code, ConnectError } from "@connectrpc/connect";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { describable, OAuthError } from "#lib/errors.ts";
import { type Exchange, NO_STORE, sendJson } from "./exchange.ts";

/** What may be said of a failure, whichever endpoint says it. */
export interface Failure {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Failures of the way to core that pass (RFC 6749 §5.2 has no code for them; §4.1.2.1 has). */
const PASSING: ReadonlySet<Code> = new Set([Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Aborted, Code.Canceled]);

/**
 * Answers a request to a public endpoint that failed.
 * @see RFC 6749 §5.2
 */
export function renderOAuthError(exchange: Exchange, error: unknown): void {
  const { status, error: code, description, headers } = oauthFailure(error);
  sendJson(exchange, status, { error: code, error_description: description }, { ...NO_STORE, ...headers });
}

/** What was thrown, as a public endpoint shows it: what nobody foresaw is a server_error that says nothing. */
export function oauthFailure(error: unknown): Failure {
  const known = protocolFailure(error);
  if (known !== undefined) return known;
  const code = error instanceof ConnectError ? error.code : Code.Unknown;
  if (PASSING.has(code)) return failure(503, "temporarily_unavailable", "The server cannot answer now; try again", "");
  if (code === Code.InvalidArgument) return failure(400, "invalid_request", "The request does not fit what is asked for", "");
  return failure(500, "server_error", "The server met an error that it did not foresee", "");
}

/** The protocol's view of what was thrown: an OAuthError, or a ConnectError with its detail. Undefined: it carries none. */
export function protocolFailure(error: unknown): Failure | undefined {
  if (error instanceof OAuthError) return failure(error.status, error.code, error.message, error.wwwAuthenticate);
  if (!(error instanceof ConnectError)) return undefined;
  const [detail] = error.findDetails(OAuthErrorDetailSchema);
  return detail === undefined ? undefined : failure(detail.status, detail.error, detail.errorDescription, detail.wwwAuthenticate);
}

function failure(status: number, error: string, description: string, wwwAuthenticate: string): Failure {
  const headers: Record<string, string> = {};
  if (wwwAuthenticate !== "") headers["www-authenticate"] = wwwAuthenticate;
  if (status === 503 || status === 429) headers["retry-after"] = "1";
  return { status: status >= 400 && status < 600 ? status : 500, error, description: describable(description), headers };
}
