import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant } from "#core/model/grant.ts";
import { findRememberedConsent, revokeConsentOfGrant } from "#core/store/consents.ts";
import { closeDb, type Db, openDb } from "#core/store/db.ts";
import type { Driver } from "#core/store/driver.ts";
import { recordConsent, redeemConsent } from "#core/store/grant-consent.ts";
import { redeemCode, rotateRefresh } from "#core/store/grant-tokens.ts";
import { endGrant, openGrant, readGrant } from "#core/store/grants.ts";
import { migrateUp } from "#core/store/migrate.ts";
import { listRevocationEvents } from "#core/store/revocations.ts";
import type { Operation, Outcome, Steps } from "#core/store/steps.ts";
import { OAuthError } from "#lib/errors.ts";
import { silentLog } from "#lib/events.ts";
import type { EpochMillis } from "#lib/time.ts";
import { describeEngines } from "../harness/engines.ts";
import { freshMysqlDsn, hasMariadb } from "../harness/mariadb.ts";
import { startProxy } from "../harness/proxy.ts";
import { active, code, consented, count, ISSUER, NOW, opened, opening, putClient, random, redemption, remembered, rotation, stateOf, withCode, yes } from "./flow.ts";

const isUnknown = (error: unknown): boolean => error instanceof OAuthError && error.code === "temporarily_unavailable";

/** The same database as a node sees it that lags behind: `see` says what becomes of an operation; undefined: what really does. */
function lagging(db: Db, see: (operation: Operation) => Outcome | undefined): Db {
  function* through<R>(steps: Steps<R>): Steps<R> {
    let next = steps.next();
    while (next.done !== true) next = steps.next(see(next.value) ?? (yield next.value));
    return next.value;
  }
  const driver: Driver = { ...db.driver, write: (steps, committed, options) => db.driver.write(() => through(steps()), committed, options) };
  return { ...db, driver };
}

/** The row as a look finds it now, to be found again later. */
async function snapshot(db: Db, { id }: Grant): Promise<Outcome> {
  let found: Outcome | undefined;
  await db.driver.write(function* () {
    const looking = lookOf(db, id);
    found = yield looking;
  });
  return found ?? assert.fail();
}

function lookOf(db: Db, id: Uint8Array): Operation {
  return { kind: "rows", sql: looks.get(db.engine) ?? assert.fail("no look was seen"), params: [ISSUER, id] };
}

/** The text of the look that follows an update which matched nothing. */
const looks = new Map<string, string>();
async function learnLook(db: Db, grant: Grant): Promise<void> {
  const watched = lagging(db, ({ kind, sql }) => {
    if (kind === "rows") looks.set(db.engine, sql);
    return undefined;
  });
  await redeemCode(watched, ISSUER, code({ ...grant, birth: random(8) }));
}

describeEngines("DESIGN the grant: a look that comes too early", (engine) => {
  test("a fresh grant is never taken for replay: whatever old state is seen, nothing is ended and the code can be redeemed afterwards", async () => {
    const { db } = engine();
    const client = await putClient(db);
    await learnLook(db, await withCode(db, opening(client)));
    const begun = await opened(db, opening(client));
    const inLogin = await snapshot(db, begun);
    const recorded = await recordConsent(db, ISSUER, { grant: begun, consent: yes() });
    assert.ok(recorded.kind === "recorded");
    const inConsented = await snapshot(db, begun);
    const redeemed = await redeemConsent(db, ISSUER, redemption(recorded.grant));
    assert.ok(redeemed.kind === "redeemed");
    const inCode = await snapshot(db, begun);
    const behind = (seen: Outcome) => lagging(db, ({ kind }) => (kind === "run" ? 0 : seen));
    for (const seen of [inLogin, inConsented, inCode]) await assert.rejects(redeemCode(behind(seen), ISSUER, code(redeemed.grant)), isUnknown);
    assert.equal((await redeemCode(behind([]), ISSUER, code(redeemed.grant))).kind, "unknown");
    assert.equal(await stateOf(db, begun), "code");
    // A grant that was read from a node that lags, and a database that does not.
    assert.equal((await redeemCode(db, ISSUER, code(recorded.grant))).kind, "redeemed");
  });

  test("a refresh token newer than the grant as it was read rotates after a look; newer than what the look finds, nothing is ended", async () => {
    const { db } = engine();
    const grant = await active(db, opening(await putClient(db)));
    await learnLook(db, grant);
    const old = await snapshot(db, grant);
    assert.equal((await rotateRefresh(db, ISSUER, rotation(grant, 0))).kind, "rotated");
    const behind = lagging(db, ({ kind }) => (kind === "run" ? 0 : old));
    assert.equal((await rotateRefresh(behind, ISSUER, rotation(grant, 1))).kind, "ahead");
    await assert.rejects(rotateRefresh(behind, ISSUER, rotation(grant, 0)), isUnknown);
    assert.equal(await stateOf(db, grant), "active");
    assert.equal((await rotateRefresh(db, ISSUER, rotation(grant, 1))).kind, "rotated");
  });

  test("consents too: what is seen too early is no verdict, and what was written on the way is taken back", async () => {
    const { db } = engine();
    const client = await putClient(db);
    await learnLook(db, await withCode(db, opening(client)));
    const begun = await opened(db, opening(client));
    const inLogin = await snapshot(db, begun);
    const updatesNothing = (seen: Outcome) => lagging(db, ({ kind, sql }) => (kind === "rows" ? seen : sql.startsWith("update") ? 0 : undefined));
    await assert.rejects(recordConsent(updatesNothing(inLogin), ISSUER, { grant: begun, consent: yes() }), isUnknown);
    const recorded = await recordConsent(db, ISSUER, { grant: begun, consent: yes() });
    assert.ok(recorded.kind === "recorded");
    const wanted = redemption(recorded.grant, { remember: remembered(recorded.grant) });
    await assert.rejects(redeemConsent(updatesNothing(inLogin), ISSUER, wanted), isUnknown);
    assert.equal(await findRememberedConsent(db, ISSUER, begun.subject, client.clientId, NOW), undefined);
    assert.equal((await redeemConsent(db, ISSUER, wanted)).kind, "redeemed");
  });
});

test("DESIGN the grant: a connection cut between COMMIT and its acknowledgement: every step knows its own attempt again, and does nothing twice", {
  skip: !hasMariadb(),
}, async () => {
  const dsn = await freshMysqlDsn();
  const port = Number(/:(\d+)\)/.exec(dsn)?.[1]);
  const proxy = await startProxy(port);
  const db = await openDb({ dsn: dsn.replace(String(port), String(proxy.port)), log: silentLog });
  const direct = await openDb({ dsn, log: silentLog });
  try {
    await migrateUp(direct);
    const client = await putClient(direct);
    let cuts = 0;
    proxy.watch((data, cut) => {
      if (cuts > 0 || !data.toString("latin1").endsWith("COMMIT")) return;
      cuts++;
      cut();
    });
    /** Runs a step whose first acknowledgement is lost. */
    const lost = async <R>(step: Promise<R>): Promise<R> => {
      const outcome = await step;
      assert.equal(cuts, 1);
      cuts = 0;
      return outcome;
    };

    const wanted = opening(client);
    const open = await lost(openGrant(db, ISSUER, wanted));
    assert.ok(open.kind === "opened");
    assert.deepEqual(
      [open.grant.birth, open.grant.sessionId, await count(direct, "sessions")],
      [wanted.grant.birth, wanted.session?.kind === "new" && wanted.session.session.id, 1],
    );
    const recorded = await lost(recordConsent(db, ISSUER, { grant: open.grant, consent: yes() }));
    assert.ok(recorded.kind === "recorded");
    const redeemed = await lost(redeemConsent(db, ISSUER, redemption(recorded.grant, { remember: remembered(recorded.grant) })));
    assert.ok(redeemed.kind === "redeemed");
    const got = await lost(redeemCode(db, ISSUER, code(redeemed.grant)));
    assert.ok(got.kind === "redeemed");
    assert.equal(await stateOf(direct, got.grant), "active");

    for (const grace of [60_000, 0]) {
      const { grant }: { readonly grant: Grant } = (await readGrant(direct, ISSUER, got.grant.id)) ?? assert.fail();
      const rotated = await lost(rotateRefresh(db, ISSUER, rotation(grant, grant.generation, { grace })));
      assert.ok(rotated.kind === "rotated", "and not a sibling of itself, nor a reuse");
      assert.equal(rotated.grant.generation, grant.generation + 1);
    }
    assert.equal((await lost(rotateRefresh(db, ISSUER, rotation(got.grant, 0, { grace: 0 })))).kind, "reused");

    const replayed = await withCode(direct, opening(client));
    await redeemCode(direct, ISSUER, code(replayed));
    assert.equal((await lost(redeemCode(db, ISSUER, code(replayed)))).kind, "replayed");
    const ended = await consented(direct, opening(client));
    assert.equal((await lost(endGrant(db, ISSUER, { ...ended, attempt: random(16) }))).kind, "ended");
    const source = await withCode(direct, opening(client), (grant) => ({ remember: remembered(grant) }));
    assert.equal((await lost(revokeConsentOfGrant(db, ISSUER, source.id, random(16)))).kind, "revoked");
    const events = await listRevocationEvents(direct, ISSUER, { since: 0 as EpochMillis, limit: 100 });
    assert.deepEqual(events.map(({ record: { target } }) => target.case).toSorted(), ["consent", "grant", "grant", "grant", "grant"], "one event each");
  } finally {
    await closeDb(db);
    await closeDb(direct);
    proxy.close();
  }
});
