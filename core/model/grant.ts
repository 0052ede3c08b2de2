import type { GrantRecord } from "#gen/writ/store/v1/grant_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";

/** Where a grant is in its life; it moves only to the right. Implicit flows go from `consented` to `active`. */
export type GrantState = "login" | "consented" | "code" | "active" | "ended";

/** What a person agreed to, or is being asked to agree to: one row. */
export interface Grant {
  /** The login challenge's id, 16 bytes; also `consent_request_id`. */
  readonly id: Uint8Array;
  /** Random, 8 bytes; sealed into everything that names the grant and compared at each read. */
  readonly birth: Uint8Array;
  readonly state: GrantState;
  readonly clientId: string;
  readonly clientIncarnation: Uint8Array;
  readonly subject: string;
  /** Login session, 16 bytes. Undefined: there was none. */
  readonly sessionId: Uint8Array | undefined;
  /** Of several login decisions about the challenge the one that counted, 16 bytes. */
  readonly decision: Uint8Array;
  /** Captured epochs. The grant lives while they are those that hold; of a session that was ended, -1. */
  readonly grantEpoch: number;
  readonly sessionEpoch: number;
  readonly consentEpoch: number;
  /** The newest refresh generation. */
  readonly generation: number;
  /** When the last generations before it were superseded, oldest first: those that were in grace at the last rotation. */
  readonly supersededAt: readonly EpochMillis[];
  readonly createdAt: EpochMillis;
  /** Latest expiry of all that names the grant. */
  readonly expiresAt: EpochMillis;
  /** Moves with every change of the document. */
  readonly rowVersion: number;
  readonly record: GrantRecord;
}

/** What holds now of what a grant captured. An absent row of a counter means 0. */
export interface CurrentEpochs {
  /** Undefined: the client is gone. */
  readonly client: { readonly incarnation: Uint8Array; readonly tokenEpoch: number } | undefined;
  readonly grantEpoch: number;
  readonly sessionEpoch: number;
  readonly consentEpoch: number;
}

/** Whether what a grant captured still holds. */
export type GrantHold =
  | "holds"
  /** Its client, or all or this consent of its subject, are no more. */
  | "revoked"
  /** Only its login session is no more. It ends flows in flight and no token. */
  | "session_ended";

/** Compares what a grant captured with what holds now. */
export function holdOf(
  grant: Pick<Grant, "clientIncarnation" | "grantEpoch" | "consentEpoch" | "sessionEpoch">,
  { client, grantEpoch, consentEpoch, sessionEpoch }: CurrentEpochs,
): GrantHold {
  if (client === undefined || !equalBytes(client.incarnation, grant.clientIncarnation)) return "revoked";
  if (grantEpoch !== grant.grantEpoch || consentEpoch !== grant.consentEpoch) return "revoked";
  return sessionEpoch === grant.sessionEpoch ? "holds" : "session_ended";
}

/** Whether tokens of the grant can be good at all: in `code` a hybrid flow's access token, in `active` all. Epochs are another question. */
export function isAlive({ state, expiresAt }: Pick<Grant, "state" | "expiresAt">, now: EpochMillis): boolean {
  return (state === "code" || state === "active") && expiresAt > now;
}

/** Most supersession instants of a grant. */
export const MAX_SUPERSEDED = 32;

/** Longest grace period that a superseded refresh token can have. Milliseconds. */
export const MAX_GRACE = 300_000;

/** What a refresh token of some generation is to its grant. */
export type RefreshPlace =
  /** The newest: it rotates. */
  | "newest"
  /** The newest, but the row has no room for another instant: it gets siblings of itself. */
  | "full"
  /** Superseded less than the grace period ago: it gets a sibling of the newest. */
  | "grace"
  /** Superseded before that: somebody else may have it (RFC 9700 §4.14). */
  | "reused"
  /** Above the row's: the database is an older copy. */
  | "ahead";

/** Where a generation stands. `grace` in milliseconds, counted from the generation's own supersession. */
export function refreshPlace(grant: Pick<Grant, "generation" | "supersededAt">, generation: number, now: EpochMillis, grace: number): RefreshPlace {
  if (generation > grant.generation) return "ahead";
  if (generation === grant.generation) return stillInGrace(grant.supersededAt, now, grace).length >= MAX_SUPERSEDED ? "full" : "newest";
  const at = grant.supersededAt.at(generation - grant.generation);
  return at !== undefined && now - at < grace ? "grace" : "reused";
}

/** The supersession instants after the newest generation has been superseded too: those in grace. */
export function supersede(supersededAt: readonly EpochMillis[], now: EpochMillis, grace: number): EpochMillis[] {
  return grace > 0 ? [...stillInGrace(supersededAt, now, grace), now] : [];
}

/**
 * The instants from the first that is in grace on. What follows it stays even if a clock of another core ran behind: the
 * list has one entry for each of the last generations, so none may be missing in between.
 */
function stillInGrace(supersededAt: readonly EpochMillis[], now: EpochMillis, grace: number): readonly EpochMillis[] {
  const first = supersededAt.findIndex((at) => now - at < grace);
  return first === -1 ? [] : supersededAt.slice(first);
}
