import type { ConsentDecision } from "#gen/writ/store/v1/grant_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { DeviceCode } from "../model/device-code.ts";
import { type Grant, holdOf } from "../model/grant.ts";
import { type RememberedConsent, rememberConsent } from "./consents.ts";
import type { Db } from "./db.ts";
import { approveDeviceCode, denyDeviceCodeRow } from "./device-codes.ts";
import { capturedHolds, capturedValues, contradiction, encodeRecord, type GrantLook, latestExpiry, lookAtGrant, MAX_LOOKS, sessionHolds } from "./grant-rows.ts";
import { and, eq, gt, sql } from "./schema/drizzle.ts";
import { joinSession } from "./sessions.ts";
import { compile, statements, value } from "./statement.ts";
import { run, type Steps } from "./steps.ts";
import { writeOrUndo } from "./undo.ts";

const built = statements((dialect) => {
  const { query, tables } = dialect;
  const { grants } = tables;
  const born = and(eq(grants.issuer, value("issuer")), eq(grants.id, value("id")), eq(grants.birth, value("birth")));
  const consented = and(born, eq(grants.state, "consented"), eq(grants.rowVersion, value("rowVersion")));
  const rowVersion = sql`${grants.rowVersion} + 1`;
  const attempt = sql`${value("attempt")}`;
  return {
    record: compile(
      query
        .update(grants)
        .set({ state: "consented", attempt, rowVersion, document: sql`${value("document")}` })
        .where(and(born, eq(grants.state, "login"), eq(grants.rowVersion, value("rowVersion")))),
    ),
    redeem: compile(
      query
        .update(grants)
        .set({ state: sql`${value("state")}`, attempt, rowVersion, expiresAt: latestExpiry(dialect) })
        .where(and(consented, gt(grants.expiresAt, value("now")), capturedHolds(dialect), sessionHolds(dialect))),
    ),
    reject: compile(query.update(grants).set({ state: "ended", attempt, rowVersion }).where(consented)),
  };
});

/** What recording a decision comes to. */
export type ConsentRecording =
  /** It is the decision of the row: now, or before with the same content. `grant.record.consent` is the one that counts. */
  | { readonly kind: "recorded"; readonly grant: Grant & { readonly record: { readonly consent: ConsentDecision } } }
  /** Another decision counted, or the flow is past its consent. Nothing was changed. */
  | { readonly kind: "spent" }
  /** There is no grant that was born so. */
  | { readonly kind: "unknown" };

/**
 * Records what the consent app decided, accepted or rejected. Only in state `login`: a late accept never widens an active
 * grant. `grant` as it was read; the decision is put into the document as it is found, nothing else of it changes.
 */
export function recordConsent(db: Db, issuer: number, { grant: asRead, consent }: { readonly grant: Grant; readonly consent: ConsentDecision }): Promise<ConsentRecording> {
  return db.driver.write(
    function* (): Steps<ConsentRecording> {
      let grant = asRead;
      for (let looks = 0; looks < MAX_LOOKS; looks++) {
        if (grant.state === "login") {
          const record = { ...grant.record, consent };
          const { id, birth, rowVersion } = grant;
          const matched = yield* run(built(db).record, { issuer, id, birth, rowVersion, attempt: consent.id, document: encodeRecord(record) });
          if (matched === 1) return { kind: "recorded", grant: { ...grant, state: "consented", rowVersion: rowVersion + 1, record } };
        }
        const look = yield* lookAtGrant(db, issuer, grant);
        if (look === undefined) return { kind: "unknown" };
        grant = look.grant;
        if (grant.state !== "login") return classifyRecorded(grant, consent);
      }
      throw contradiction();
    },
    () => db.caches.forgetGrant(issuer, asRead.id),
    { repeatable: true },
  );
}

function classifyRecorded(grant: Grant, { contentDigest }: ConsentDecision): ConsentRecording {
  const { consent } = grant.record;
  if (grant.state !== "consented" || consent === undefined || contentDigest.length === 0 || !equalBytes(consent.contentDigest, contentDigest)) return { kind: "spent" };
  return { kind: "recorded", grant: { ...grant, record: { ...grant.record, consent } } };
}

/** A consent decision that its bound browser has brought back. */
export interface ConsentRedemption {
  /** As it was read. */
  readonly grant: Grant;
  /** The decision that the verifier names. */
  readonly consentId: Uint8Array;
  /** `code`, or `active` where the answer holds no code (implicit flows). */
  readonly state: "code" | "active";
  /** Expiry of the last of what the answer holds. */
  readonly expiresAt: EpochMillis;
  /** The client is to be told when the login session ends. From now on, and not from the login on: it learns nothing of whoever refused it. */
  readonly joinsSession: boolean;
  /** The device that asked (RFC 8628): its row is decided by the same write. Undefined: a browser asked. */
  readonly device?: Pick<DeviceCode, "userCodeHash" | "birth"> | undefined;
  /** Undefined: not to be remembered. */
  readonly remember: RememberedConsent | undefined;
  /** Random, 16 bytes, the same in every retry of one attempt. */
  readonly attempt: Uint8Array;
  readonly now: EpochMillis;
}

/** What redeeming a decision comes to. */
export type ConsentRedeem =
  /** By this very attempt: the answer may be given. */
  | { readonly kind: "redeemed"; readonly grant: Grant }
  /** The decision was no: the grant has ended. */
  | { readonly kind: "rejected"; readonly grant: Grant }
  /** Redeemed before, or the verifier of another decision. */
  | { readonly kind: "spent" }
  /** The device's request was decided otherwise, has expired or is gone. Nothing was written. */
  | { readonly kind: "device_decided" }
  /** What the grant captured holds no more: client, subject's consents, this consent. Nothing was written. */
  | { readonly kind: "revoked" }
  /** Only its login session is no more. Nothing was written. */
  | { readonly kind: "session_ended" }
  | { readonly kind: "expired" | "unknown" };

/**
 * Redeems a consent decision: from here on tokens may name the grant. What is to be remembered is written with it, or not at
 * all. Epochs are compared again by the statement that decides.
 */
export function redeemConsent(db: Db, issuer: number, redemption: ConsentRedemption): Promise<ConsentRedeem> {
  const { grant: asRead, consentId, state, expiresAt, joinsSession, device, remember, attempt, now } = redemption;
  return writeOrUndo<ConsentRedeem>(
    db,
    function* (undo): Steps<ConsentRedeem> {
      const statement = built(db);
      let grant = asRead;
      for (let looks = 0; looks < MAX_LOOKS; looks++) {
        const { consent } = grant.record;
        if (grant.state === "consented" && consent !== undefined && equalBytes(consent.id, consentId)) {
          const values = { ...capturedValues(issuer, grant), rowVersion: grant.rowVersion, attempt };
          const rowVersion = grant.rowVersion + 1;
          if (consent.outcome.case !== "accepted") {
            if ((yield* run(statement.reject, values)) === 1) {
              if (device !== undefined) yield* denyDeviceCodeRow(db, issuer, { ...device, now });
              return { kind: "rejected", grant: { ...grant, state: "ended", rowVersion } };
            }
          } else {
            // First: it locks the row whose epoch the next statement compares.
            if (remember !== undefined) yield* rememberConsent(db, issuer, grant, remember);
            const matched = yield* run(statement.redeem, { ...values, state, expiresAt, now });
            if (matched === 1 && joinsSession && grant.sessionId !== undefined) yield* joinSession(db, issuer, { ...grant, sessionId: grant.sessionId });
            if (matched === 1 && device !== undefined && !(yield* approveDeviceCode(db, issuer, { ...device, grantId: grant.id, now }))) return undo({ kind: "device_decided" });
            if (matched === 1) return { kind: "redeemed", grant: { ...grant, state, rowVersion, expiresAt: Math.max(grant.expiresAt, expiresAt) as EpochMillis } };
          }
        }
        const look = yield* lookAtGrant(db, issuer, grant);
        const verdict = classifyRedeemed(look, redemption);
        if (verdict !== undefined) return undo(verdict);
        if (look !== undefined) grant = look.grant;
      }
      throw contradiction();
    },
    () => db.caches.forgetGrant(issuer, asRead.id),
  );
}

/** Undefined: by this look it could have been redeemed. */
function classifyRedeemed(look: GrantLook | undefined, { consentId, attempt, state, now }: ConsentRedemption): ConsentRedeem | undefined {
  if (look === undefined) return { kind: "unknown" };
  const { grant, current } = look;
  const { consent } = grant.record;
  const isOurs = look.attempt !== undefined && equalBytes(look.attempt, attempt);
  if (isOurs && grant.state === state) return { kind: "redeemed", grant };
  if (isOurs && grant.state === "ended") return { kind: "rejected", grant };
  if (grant.state === "login") return undefined; // a verifier exists, so it was consented to: the look came too early
  if (grant.state !== "consented" || consent === undefined || !equalBytes(consent.id, consentId)) return { kind: "spent" };
  if (grant.expiresAt <= now) return { kind: "expired" };
  const hold = holdOf(grant, current);
  if (hold !== "holds" && consent.outcome.case === "accepted") return { kind: hold };
  return undefined;
}
