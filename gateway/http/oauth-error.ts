import { Code, ConnectError } from "@connectrpc/connect";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { OAuthError } from "#lib/errors.ts";

/** What may be said of a failure, whichever endpoint says it. */
export interface Failure {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Failures of the way to core, by what they mean to a client (RFC 6749 §5.2 has no code for them; §4.1.2.1 has). */
const UNREACHABLE = new Set<Code>([Code.Unavailable, Code.DeadlineExceeded, Code.ResourceExhausted, Code.Aborted, Code.Canceled]);

/**
 * The protocol's view of what was thrown: an OAuthError, or a ConnectError with its detail. Undefined: it carries none.
 * @see RFC 6749 §5.2
 */
export function protocolFailure(error: unknown): Failure | undefined {
  if (error instanceof OAuthError) return failure(error.status, error.code, error.message, error.wwwAuthenticate);
  if (!(error instanceof ConnectError)) return undefined;
  const [detail] = error.findDetails(OAuthErrorDetailSchema);
  return detail === undefined ? undefined : failure(detail.status, detail.error, detail.errorDescription, detail.wwwAuthenticate);
}

/** The same for everything that can be thrown: what nobody foresaw is a server_error that says nothing. */
export function anyFailure(error: unknown): Failure {
  const known = protocolFailure(error);
  if (known !== undefined) return known;
  if (error instanceof ConnectError && UNREACHABLE.has(error.code)) return failure(503, "temporarily_unavailable", "The server cannot answer now; try again", "");
  return failure(500, "server_error", "The server met an error that it did not foresee", "");
}

function failure(status: number, error: string, description: string, wwwAuthenticate: string): Failure {
  return { status, error, description, headers: { ...(wwwAuthenticate === "" ? {} : { "www-authenticate": wwwAuthenticate }), ...(status === 503 ? { "retry-after": "1" } : {}) } };
}
