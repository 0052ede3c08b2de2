/**
 * HTTP status of each error code at an endpoint that answers directly. The codes and statuses come from
 * RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 7591 §3.2.2, RFC 6750 §3.1, OIDC Core §3.1.2.6, RFC 8628 §3.5, RFC 9101 §7; from `request_unauthorized` to
 * `insufficient_entropy` they are Hydra's.
 */
export const HTTP_STATUS = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  unsupported_response_type: 400,
  unsupported_response_mode: 400,
  unsupported_token_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  login_required: 400,
  consent_required: 400,
  invalid_request_object: 400,
  invalid_request_uri: 400,
  unmet_authentication_requirements: 400,
  request_not_supported: 400,
  request_uri_not_supported: 400,
  registration_not_supported: 400,
  access_denied: 403,
  invalid_token: 401,
  insufficient_scope: 403,
  invalid_client_metadata: 400,
  invalid_redirect_uri: 400,
  unapproved_software_statement: 400,
  server_error: 500,
  temporarily_unavailable: 503,
  too_many_requests: 429, // RFC 6585 §4
  request_unauthorized: 401,
  request_forbidden: 403,
  "Not Found": 404, // a challenge that is none of this server's
  jti_known: 400,
  missing_required_parameter: 400,
  invalid_state: 400,
  insufficient_entropy: 400,
  authorization_pending: 400,
  slow_down: 400,
  expired_token: 400,
  unsupported_credential_type: 400, // OpenID4VCI draft 11 §7.3.1.1
} as const;

/** A registered `error` code. */
export type OAuthErrorCode = keyof typeof HTTP_STATUS;

/** What an error carries beside its code and description. */
export interface OAuthErrorOptions {
  /** Why, for our log; never leaves core. */
  readonly cause?: unknown;
  /** Value of `WWW-Authenticate`, where the status asks for one (RFC 6749 §5.2, RFC 6750 §3). */
  readonly wwwAuthenticate?: string;
  /** Status where an endpoint has another than is usual for the code (RFC 6749 §5.2: the token endpoint says 400). */
  readonly status?: 400;
}

/**
 * The one error of the protocol. `code` and `message` are for the developer of the client and go on the wire;
 * `cause` is for our log.
 */
export class OAuthError extends Error {
  override readonly name = "OAuthError";
  readonly code: OAuthErrorCode;
  readonly status: number;
  readonly wwwAuthenticate: string;

  constructor(code: OAuthErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(describable(description), options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? HTTP_STATUS[code];
    this.wwwAuthenticate = options.wwwAuthenticate ?? "";
  }
}

/**
 * Replaces what may not stand in `error_description`: %x20-21 / %x23-5B / %x5D-7E (RFC 6749 §5.2). A description may
 * quote what a caller sent, so this is also what keeps quotes and line breaks out of headers and pages.
 */
export function describable(text: string): string {
  return text.replaceAll('"', "'").replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "?");
}
