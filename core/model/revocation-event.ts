import type { RevocationRecord } from "#gen/writ/store/v1/revocation_pb.ts";
import type { EpochMillis } from "#lib/time.ts";

/** Something that was revoked, as the store has it. */
export interface RevocationEvent {
  /** 16 bytes. */
  readonly id: Uint8Array;
  /** When, by the database's clock. */
  readonly at: EpochMillis;
  readonly record: RevocationRecord;
}
