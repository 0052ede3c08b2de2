import type { TrustedIssuerRecord } from "#gen/writ/store/v1/trusted_issuer_record_pb.ts";
import type { EpochMillis } from "#lib/time.ts";

/** Who may sign assertions of the jwt-bearer grant, as it is stored. */
export interface TrustedIssuerRow {
  /** 16 bytes: the UUID. */
  readonly id: Uint8Array;
  readonly expiresAt: EpochMillis;
  readonly record: TrustedIssuerRecord;
}
