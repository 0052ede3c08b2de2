import type { DeviceCodeRecord } from "#gen/writ/store/v1/device_code_pb.ts";
import type { EpochMillis } from "#lib/time.ts";

/** What has become of a device's request. It is decided once. */
export type DeviceCodeState = "pending" | "approved" | "denied";

/** The request of a device that waits for a person (RFC 8628 §3.1). */
export interface DeviceCode {
  /** Keyed hash of the user code, 32 bytes. */
  readonly userCodeHash: Uint8Array;
  /** Random, 8 bytes; sealed into everything that names the row: the same user code may come again. */
  readonly birth: Uint8Array;
  readonly state: DeviceCodeState;
  /** The grant whose tokens the device gets, 16 bytes. Undefined: it was not approved. */
  readonly grantId: Uint8Array | undefined;
  /** Seconds between two polls; it grows when the device polls too fast (RFC 8628 §3.5). */
  readonly pollInterval: number;
  readonly expiresAt: EpochMillis;
  readonly record: DeviceCodeRecord;
}
