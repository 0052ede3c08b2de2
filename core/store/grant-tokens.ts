import type { TokenSession } from "#gen/writ/store/v1/grant_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import { type Grant, holdOf, MAX_GRACE, refreshPlace, supersede } from "../model/grant.ts";
import type { Db } from "./db.ts";
import {
  capturedHolds,
  capturedValues,
  contradiction,
  encodeInstants,
  encodeRecord,
  endCompromised,
  type GrantLook,
  latestExpiry,
  lookAtGrant,
  MAX_LOOKS,
  sessionHolds,
} from "./grant-rows.ts";
import { and, eq, gt, sql } from "./schema/drizzle.ts";
import { compile, statements, type Values, value } from "./statement.ts";
import { run, type Steps } from "./steps.ts";

const built = statements((dialect) => {
  const { query, tables } = dialect;
  const { grants } = tables;
  const holds = and(
    eq(grants.issuer, value("issuer")),
    eq(grants.id, value("id")),
    eq(grants.birth, value("birth")),
    gt(grants.expiresAt, value("now")),
    eq(grants.generation, value("generation")),
    capturedHolds(dialect),
  );
  const moves = { attempt: sql`${value("attempt")}`, expiresAt: latestExpiry(dialect) };
  // With a document the row must be at the version that was read, or what another process wrote into it would be lost.
  const withDocument = { rowVersion: sql`${grants.rowVersion} + 1`, document: sql`${value("document")}` };
  const isAsRead = eq(grants.rowVersion, value("rowVersion"));
  const redeem = { ...moves, state: "active" };
  const inCode = and(holds, eq(grants.state, "code"), sessionHolds(dialect));
  const rotate = { ...moves, generation: sql`${grants.generation} + 1`, supersededAt: sql`${value("supersededAt")}` };
  const active = and(holds, eq(grants.state, "active"));
  return {
    attach: compile(query.update(grants).set(withDocument).where(and(active, isAsRead))),
    redeem: compile(query.update(grants).set(redeem).where(inCode)),
    redeemWith: compile(
      query
        .update(grants)
        .set({ ...redeem, ...withDocument })
        .where(and(inCode, isAsRead)),
    ),
    rotate: compile(query.update(grants).set(rotate).where(active)),
    rotateWith: compile(
      query
        .update(grants)
        .set({ ...rotate, ...withDocument })
        .where(and(active, isAsRead)),
    ),
  };
});

/** What is common to both: a grant that is about to get tokens. */
interface Issuing {
  /** As it was read, before everything that could fail was checked. */
  readonly grant: Grant;
  /** Expiry of the last of the tokens that will be issued. */
  readonly expiresAt: EpochMillis;
  /** What a token hook answered, written by the same update. Undefined: there is no change. */
  readonly session: TokenSession | undefined;
  /** Random, 16 bytes, the same in every retry of one attempt. */
  readonly attempt: Uint8Array;
  readonly now: EpochMillis;
}

/** An authorization code that is good in every other way. */
export type CodeRedemption = Issuing;

/** What redeeming a code comes to. Where it cannot be told, temporarily_unavailable is thrown and nothing was ended. */
export type CodeRedeem =
  /** By this very attempt: now, or in a try whose answer was lost. */
  | { readonly kind: "redeemed"; readonly grant: Grant }
  /** By somebody else before: the grant was ended by this call (RFC 6749 §4.1.2). */
  | { readonly kind: "replayed" }
  /** What the grant captured holds no more, its login session included: until now it was a flow in flight. */
  | { readonly kind: "revoked" }
  | { readonly kind: "expired" | "ended" | "unknown" };

/** Redeems the authorization code of a grant: the last gate before anything is signed. @see RFC 6749 §4.1.2 */
export function redeemCode(db: Db, issuer: number, redemption: CodeRedemption): Promise<CodeRedeem> {
  const { grant: asRead, attempt } = redemption;
  return db.driver.write(
    function* (): Steps<CodeRedeem> {
      let grant = asRead;
      for (let looks = 0; looks < MAX_LOOKS; looks++) {
        if (grant.state === "code") {
          const { redeem, redeemWith } = built(db);
          const { values, changed } = issue(issuer, redemption, grant);
          const matched = yield* run(redemption.session === undefined ? redeem : redeemWith, values);
          if (matched === 1) return { kind: "redeemed", grant: { ...grant, ...changed, state: "active" } };
        }
        const look = yield* lookAtGrant(db, issuer, grant);
        const verdict = classifyCode(look, redemption);
        if (verdict !== "again") {
          if (verdict.kind !== "replayed" || look === undefined || look.grant.state === "ended") return verdict;
          return (yield* endCompromised(db, issuer, look.grant, attempt)) ? verdict : { kind: "ended" };
        }
        if (look !== undefined) grant = look.grant;
      }
      throw contradiction();
    },
    () => db.caches.forgetGrant(issuer, asRead.id),
    { repeatable: true },
  );
}

/** `again`: by this look it could have been redeemed, or the look came too early; so it says nothing. */
function classifyCode(look: GrantLook | undefined, { attempt, now }: CodeRedemption): CodeRedeem | "again" {
  if (look === undefined) return { kind: "unknown" };
  const { grant, current } = look;
  const isOurs = look.attempt !== undefined && equalBytes(look.attempt, attempt);
  switch (grant.state) {
    case "login":
    case "consented":
      return "again"; // a code exists, so the row has been further than that
    case "code":
      if (grant.expiresAt <= now) return { kind: "expired" };
      return holdOf(grant, current) === "holds" ? "again" : { kind: "revoked" };
    case "active":
      if (isOurs) return { kind: "redeemed", grant };
      return { kind: grant.expiresAt <= now ? "expired" : "replayed" };
    case "ended":
      return { kind: isOurs ? "replayed" : "ended" };
  }
}

/** A refresh token that is good in every other way. */
export interface RefreshRotation extends Issuing {
  /** Of the token. */
  readonly generation: number;
  /** How long a superseded token may still be used, in milliseconds; 0: not at all. */
  readonly grace: number;
}

/** What rotating a refresh token comes to. Where it cannot be told, temporarily_unavailable is thrown and nothing was ended. */
export type RefreshRotate =
  /** The token was the newest, and is superseded by this very attempt. The new token has `grant.generation`. */
  | { readonly kind: "rotated"; readonly grant: Grant }
  /**
   * The token was superseded, but less than the grace period ago; or it is the newest, and the row has no room for another
   * instant. The new token has `grant.generation` too. Nothing but a new session was written, so nothing issued may outlive
   * `grant.expiresAt`.
   */
  | { readonly kind: "sibling"; readonly grant: Grant }
  /** The token was superseded before that: the grant was ended by this call (RFC 9700 §4.14). */
  | { readonly kind: "reused" }
  /** The token is newer than the row: the database is an older copy. Nothing was ended. */
  | { readonly kind: "ahead" }
  /** Client, subject's consents or this consent are no more. */
  | { readonly kind: "revoked" }
  | { readonly kind: "expired" | "ended" | "unknown" };

/** Rotates a refresh token. `expires_at` of the row moves with it. @see RFC 9700 §4.14, RFC 6749 §6 */
export function rotateRefresh(db: Db, issuer: number, rotation: RefreshRotation): Promise<RefreshRotate> {
  const { grant: asRead, attempt, generation, now } = rotation;
  const grace = Math.min(rotation.grace, MAX_GRACE);
  return db.driver.write(
    function* (): Steps<RefreshRotate> {
      let grant = asRead;
      for (let looks = 0; looks < MAX_LOOKS; looks++) {
        if (grant.state === "active" && refreshPlace(grant, generation, now, grace) === "newest") {
          const { rotate, rotateWith } = built(db);
          const { values, changed } = issue(issuer, rotation, grant);
          const supersededAt = supersede(grant.supersededAt, now, grace);
          const matched = yield* run(rotation.session === undefined ? rotate : rotateWith, { ...values, supersededAt: encodeInstants(supersededAt) });
          if (matched === 1) return { kind: "rotated", grant: { ...grant, ...changed, generation: generation + 1, supersededAt } };
        }
        const look = yield* lookAtGrant(db, issuer, grant);
        const verdict = classifyRefresh(look, rotation, grace);
        if (verdict !== "again") {
          if (verdict.kind === "sibling" && rotation.session !== undefined) {
            const { values, changed } = issue(issuer, rotation, verdict.grant);
            // The newest has what was answered last, whichever token brought it there.
            if ((yield* run(built(db).attach, values)) === 1) return { kind: "sibling", grant: { ...verdict.grant, ...changed, expiresAt: verdict.grant.expiresAt } };
            grant = verdict.grant;
            continue;
          }
          if (verdict.kind !== "reused" || look === undefined || look.grant.state === "ended") return verdict;
          return (yield* endCompromised(db, issuer, look.grant, attempt)) ? verdict : { kind: "ended" };
        }
        if (look !== undefined) grant = look.grant;
      }
      throw contradiction();
    },
    () => db.caches.forgetGrant(issuer, asRead.id),
    { repeatable: true },
  );
}

function classifyRefresh(look: GrantLook | undefined, { attempt, generation, now }: RefreshRotation, grace: number): RefreshRotate | "again" {
  if (look === undefined) return { kind: "unknown" };
  const { grant, current } = look;
  const isOurs = look.attempt !== undefined && equalBytes(look.attempt, attempt);
  if (grant.state === "ended") return { kind: isOurs ? "reused" : "ended" };
  if (grant.state !== "active") return { kind: "ahead" }; // a refresh token exists, so the row has been further than that
  if (isOurs && grant.generation === generation + 1) return { kind: "rotated", grant };
  if (grant.expiresAt <= now) return { kind: "expired" };
  const hold = holdOf(grant, current);
  if (hold === "revoked") return { kind: "revoked" };
  switch (refreshPlace(grant, generation, now, grace)) {
    case "newest":
      return "again";
    case "full":
    case "grace":
      return { kind: "sibling", grant };
    case "reused":
      return { kind: "reused" };
    case "ahead":
      return { kind: "ahead" };
  }
}

/** What the update binds, and what it makes of the grant. */
function issue(issuer: number, { session, expiresAt, attempt, now }: Issuing, grant: Grant): { readonly values: Values; readonly changed: Partial<Grant> } {
  const { generation, rowVersion } = grant;
  const values = { ...capturedValues(issuer, grant), generation, expiresAt, attempt, now };
  const latest = Math.max(grant.expiresAt, expiresAt) as EpochMillis;
  if (session === undefined) return { values, changed: { expiresAt: latest } };
  const record = { ...grant.record, session };
  return { values: { ...values, rowVersion, document: encodeRecord(record) }, changed: { expiresAt: latest, rowVersion: rowVersion + 1, record } };
}
