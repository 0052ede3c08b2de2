/** Everything that is ever logged, by name. A line is one of these and fields; it holds no sentence and no secret. */
export const LOG_EVENTS = [
  "server_listening",
  "server_stopping",
  "server_stopped",
  "request",
  "request_failed",
  "client_authentication_failed",
  "authorization_refused",
  "login_accepted",
  "login_rejected",
  "consent_accepted",
  "consent_rejected",
  "code_issued",
  "device_code_issued",
  "device_code_approved",
  "device_code_denied",
  "user_code_refused",
  "grant_ended",
  "refresh_token_ahead",
  "logout_refused",
  "logout_accepted",
  "logout_rejected",
  "session_ended",
  "logout_told",
  "logout_not_told",
  "consent_sessions_revoked",
  "login_sessions_revoked",
  "outbound_failed",
  "client_created",
  "client_updated",
  "client_deleted",
  "client_registration_refused",
  "token_issued",
  "token_refused",
  "token_revoked",
  "access_tokens_deleted",
  "jwk_changed",
  "trusted_issuer_created",
  "trusted_issuer_deleted",
  "store_group_failed",
  "store_retry",
  "store_opened",
  "clock_skew",
  "tls_reloaded",
  "tls_reload_failed",
  "log_reloaded",
  "log_reload_failed",
  "janitor_ran",
  "internal_error",
] as const;

/** Name of a log line. */
export type LogEvent = (typeof LOG_EVENTS)[number];

/** Fields of a log line: identifiers, counts, durations. Never a token, code, secret, verifier or whole form. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Writes log lines. pino's destination is behind it, in `cli/`. */
export interface Log {
  debug(event: LogEvent, fields?: LogFields): void;
  info(event: LogEvent, fields?: LogFields): void;
  warn(event: LogEvent, fields?: LogFields): void;
  error(event: LogEvent, fields?: LogFields): void;
}

/** Says nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };
