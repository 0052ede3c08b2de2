import type { ConsentRecord } from "#gen/writ/store/v1/consent_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Grant } from "./grant.ts";

/** A consent that is remembered for a subject and a client. */
export interface Consent {
  readonly subject: string;
  readonly clientId: string;
  readonly clientIncarnation: Uint8Array;
  /** Moves when the consent is revoked, or the grant that it came from by its `consent_request_id`. */
  readonly epoch: number;
  /** `subject.grant_epoch`, captured. */
  readonly grantEpoch: number;
  /** The grant it came from, 16 bytes; it may be gone. */
  readonly sourceGrantId: Uint8Array;
  /** Undefined: never. */
  readonly expiresAt: EpochMillis | undefined;
  readonly record: ConsentRecord;
}

/** What an administrator sees as a consent session. `consent_request_id` is the grant's id, or that of the grant the consent came from. */
export type ConsentSession =
  | { readonly kind: "grant"; readonly id: Uint8Array; readonly grant: Grant }
  | { readonly kind: "remembered"; readonly id: Uint8Array; readonly consent: Consent };
