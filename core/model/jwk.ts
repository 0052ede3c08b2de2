import type { JwkRecord } from "#gen/writ/store/v1/jwk_record_pb.ts";
import type { EpochMillis } from "#lib/time.ts";

/** A key as the store has it. */
export interface StoredJwk {
  /** Name of the set. */
  readonly set: string;
  readonly kid: string;
  readonly record: JwkRecord;
  /** Key id of the system secret that sealed the private part, 4 bytes; undefined: there is no private part. */
  readonly sealKeyId: Uint8Array | undefined;
  readonly createdAt: EpochMillis;
  /** From when on it signs. It is published before. */
  readonly activatesAt: EpochMillis;
}
