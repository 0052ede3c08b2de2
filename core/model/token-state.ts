import type { GrantRecord } from "#gen/writ/store/v1/grant_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Grant } from "./grant.ts";

/** Names all that a token's life depends on. */
export interface TokenStateQuery {
  readonly clientId: string;
  /** Id of a rowless token. */
  readonly rowless: Uint8Array | undefined;
  /** Subject of a rowless token that is not the client itself. */
  readonly subject: string | undefined;
  /** Grant of a token that has one. `clientId` and the others are not looked at then: the row knows its own. */
  readonly grant?: { readonly id: Uint8Array } | undefined;
}

/** What the store says of it at the time of the read. */
export interface TokenState {
  /** Undefined: the client is gone; or the grant is, where one was asked for. */
  readonly client: { readonly incarnation: Uint8Array; readonly tokenEpoch: number } | undefined;
  /** The rowless token was revoked. */
  readonly revoked: boolean;
  /** `subject.grant_epoch`; 0 where there is no row or no subject was asked for. */
  readonly grantEpoch: number;
  /** Undefined: there is no such grant, or none was asked for. */
  readonly grant?: TokenGrant | undefined;
}

/** What of a grant decides about its tokens, and what holds now of what it captured. */
export interface TokenGrant extends Pick<Grant, "birth" | "state" | "clientId" | "clientIncarnation" | "subject" | "grantEpoch" | "consentEpoch" | "generation" | "supersededAt"> {
  readonly expiresAt: EpochMillis;
  /** The epochs that hold now. */
  readonly current: { readonly grantEpoch: number; readonly consentEpoch: number };
  /** The grant's document, decoded when it is asked for. */
  readonly record: () => GrantRecord;
}
