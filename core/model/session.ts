import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import type { SessionRecord } from "#gen/writ/store/v1/session_pb.ts";
import type { EpochMillis } from "#lib/time.ts";

/** A browser in which a subject has logged in. */
export interface Session {
  /** `sid`, 16 bytes. */
  readonly id: Uint8Array;
  /** Random, 8 bytes. */
  readonly birth: Uint8Array;
  readonly subject: string;
  /** `subject.session_epoch`, captured. */
  readonly sessionEpoch: number;
  /** `auth_time` (OIDC Core §2). */
  readonly authenticatedAt: EpochMillis;
  /** It may stand for a login. Otherwise it is there for `sid` and logout alone. */
  readonly remember: boolean;
  readonly expiresAt: EpochMillis;
  readonly record: SessionRecord;
}

/** Whether the session is one at all. `sessionEpoch`: what holds now for its subject. */
export function isLiveSession(session: Pick<Session, "sessionEpoch" | "expiresAt">, sessionEpoch: number, now: EpochMillis): boolean {
  return session.sessionEpoch === sessionEpoch && session.expiresAt > now;
}

/** A client that took part in a session: a target of its logout. */
export interface SessionClient {
  readonly clientId: string;
  readonly clientIncarnation: Uint8Array;
  readonly client: Client;
}
