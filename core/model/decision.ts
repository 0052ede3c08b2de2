import type { DecisionRecord } from "#gen/writ/store/v1/decision_pb.ts";
import type { EpochMillis } from "#lib/time.ts";

/** What a login verifier holds that is too large for a URL. */
export interface Decision {
  /** Random, 16 bytes; the verifier in the URL names it. */
  readonly id: Uint8Array;
  readonly expiresAt: EpochMillis;
  readonly record: DecisionRecord;
}
