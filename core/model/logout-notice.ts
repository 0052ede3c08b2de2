import type { LogoutNotice as LogoutNoticeRecord } from "#gen/writ/store/v1/logout_pb.ts";

/** A client that is to be told of the end of a session (OIDC Back-Channel Logout §2.5), as whoever tries has taken it on. */
export interface LogoutNotice {
  /** Time-ordered, 16 bytes: when the session ended. */
  readonly id: Uint8Array;
  /** Tries, this one included. */
  readonly attempts: number;
  readonly record: LogoutNoticeRecord;
}
