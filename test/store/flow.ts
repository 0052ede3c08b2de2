import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import type { Grant } from "#core/model/grant.ts";
import { insertClient } from "#core/store/clients.ts";
import type { Db } from "#core/store/db.ts";
import { type ConsentRedemption, recordConsent, redeemConsent } from "#core/store/grant-consent.ts";
import { type CodeRedemption, type RefreshRotation, redeemCode, rotateRefresh } from "#core/store/grant-tokens.ts";
import { type GrantOpening, openGrant, readGrant } from "#core/store/grants.ts";
import type { SessionEnding } from "#core/store/sessions.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { ConsentRecordSchema } from "#gen/writ/store/v1/consent_pb.ts";
import { type ConsentDecision, ConsentDecisionSchema, GrantRecordSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { SessionRecordSchema } from "#gen/writ/store/v1/session_pb.ts";
import { pooledRandom } from "#lib/random.ts";
import type { EpochMillis } from "#lib/time.ts";

/** The issuer, and the instant at which nearly everything happens. */
export const ISSUER = 1;
export const NOW = 1_800_000_000_000 as EpochMillis;
export const random = pooledRandom();

let serial = 0;

/** A name that no other case has. */
export function name(prefix = "x"): string {
  return `${prefix}-${++serial}`;
}

/** An instant so many milliseconds after NOW. */
export function at(milliseconds: number): EpochMillis {
  return (NOW + milliseconds) as EpochMillis;
}

/** Makes a client. */
export async function putClient(db: Db, clientId: string = name("client")): Promise<{ readonly clientId: string; readonly clientIncarnation: Uint8Array }> {
  const incarnation = random(8);
  const inserted = await insertClient(db, ISSUER, { record: create(ClientRecordSchema, { client: { clientId } }), incarnation, now: NOW });
  assert.equal(inserted.kind, "inserted");
  return { clientId, clientIncarnation: incarnation };
}

/** A login that makes a session. `more` replaces parts of it. */
export function opening(client: { readonly clientId: string; readonly clientIncarnation: Uint8Array }, more: Partial<GrantOpening["grant"]> = {}): GrantOpening {
  return {
    grant: {
      id: random(16),
      birth: random(8),
      ...client,
      subject: name("subject"),
      decision: random(16),
      grantEpoch: 0,
      sessionEpoch: 0,
      expiresAt: at(1_800_000),
      record: create(GrantRecordSchema, {
        request: { redirectUri: "https://rp/cb", scope: ["openid"], state: "s" },
        login: { acr: "1", context: '"c"' },
      }),
      ...more,
    },
    session: {
      kind: "new",
      session: { id: random(16), birth: random(8), authenticatedAt: NOW, remember: true, expiresAt: at(3_600_000), record: create(SessionRecordSchema, { acr: "1" }) },
    },
    now: NOW,
  };
}

/** The consent app says yes. */
export function yes(content = "yes"): ConsentDecision {
  return create(ConsentDecisionSchema, {
    id: random(16),
    contentDigest: Buffer.from(content.padEnd(32)),
    handledAt: NOW,
    outcome: { case: "accepted", value: { scope: ["openid"], sealedSession: "sealed" } },
  });
}

/** Or no. */
export function no(): ConsentDecision {
  return create(ConsentDecisionSchema, { id: random(16), contentDigest: Buffer.from("no"), outcome: { case: "rejected", value: { error: "access_denied" } } });
}

/** How a session ends. */
export function ending(id: Uint8Array | undefined, more: Partial<SessionEnding> = {}): SessionEnding {
  return { id: id ?? assert.fail("no session"), birth: undefined, now: NOW, random, ...more };
}

/** What is remembered of a grant. */
export function remembered(grant: Grant, expiresAt?: EpochMillis): NonNullable<ConsentRedemption["remember"]> {
  return { expiresAt, record: create(ConsentRecordSchema, { ...grant.record, ...(grant.sessionId === undefined ? {} : { sessionId: grant.sessionId }) } as never) };
}

/** A grant in state `login`. */
export async function opened(db: Db, wanted: GrantOpening): Promise<Grant> {
  const open = await openGrant(db, ISSUER, wanted);
  return open.kind === "opened" ? open.grant : assert.fail(open.kind);
}

/** A grant in state `consented`. */
export async function consented(db: Db, wanted: GrantOpening): Promise<Grant> {
  const recorded = await recordConsent(db, ISSUER, { grant: await opened(db, wanted), consent: yes() });
  return recorded.kind === "recorded" ? recorded.grant : assert.fail(recorded.kind);
}

/** How its consent is redeemed. */
export function redemption(grant: Grant, more: Partial<ConsentRedemption> = {}): ConsentRedemption {
  return {
    grant,
    consentId: grant.record.consent?.id ?? assert.fail(),
    state: "code",
    expiresAt: at(60_000),
    joinsSession: true,
    remember: undefined,
    attempt: random(16),
    now: NOW,
    ...more,
  };
}

/** A grant in state `code`. */
export async function withCode(db: Db, wanted: GrantOpening, more: Partial<ConsentRedemption> | ((grant: Grant) => Partial<ConsentRedemption>) = {}): Promise<Grant> {
  const grant = await consented(db, wanted);
  const redeemed = await redeemConsent(db, ISSUER, redemption(grant, typeof more === "function" ? more(grant) : more));
  return redeemed.kind === "redeemed" ? redeemed.grant : assert.fail(redeemed.kind);
}

/** How its code is redeemed. */
export function code(grant: Grant, more: Partial<CodeRedemption> = {}): CodeRedemption {
  return { grant, expiresAt: at(86_400_000), session: undefined, attempt: random(16), now: NOW, ...more };
}

/** A grant in state `active`. */
export async function active(db: Db, wanted: GrantOpening, more: Parameters<typeof withCode>[2] = {}): Promise<Grant> {
  const redeemed = await redeemCode(db, ISSUER, code(await withCode(db, wanted, more)));
  return redeemed.kind === "redeemed" ? redeemed.grant : assert.fail(redeemed.kind);
}

/** How a refresh token of it is rotated: 60 s of grace. */
export function rotation(grant: Grant, generation: number, more: Partial<RefreshRotation> = {}): RefreshRotation {
  return { grant, generation, grace: 60_000, expiresAt: at(86_400_000), session: undefined, attempt: random(16), now: NOW, ...more };
}

/** Rotates, as a server would that reads the grant first. */
export async function refresh(db: Db, id: Uint8Array, generation: number, more: Partial<RefreshRotation> = {}) {
  const reading = (await readGrant(db, ISSUER, id)) ?? assert.fail("no grant");
  return rotateRefresh(db, ISSUER, rotation(reading.grant, generation, more));
}

/** The state that a grant's row is in. */
export async function stateOf(db: Db, { id }: Pick<Grant, "id">): Promise<string | undefined> {
  return (await readGrant(db, ISSUER, id))?.grant.state;
}

/** How many there are of each kind. */
export function tally(outcomes: readonly { readonly kind: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Rows of a table. */
export async function count(db: Db, table: "grants" | "sessions" | "session_clients" | "consents"): Promise<number> {
  return Number((await db.driver.read(`SELECT COUNT(*) FROM ${table}`, []))[0]?.[0]);
}
