import assert from "node:assert/strict";
import { test } from "node:test";
import { holdOf } from "#core/model/grant.ts";
import { findRememberedConsent, revokeConsent, revokeConsentOfGrant } from "#core/store/consents.ts";
import { recordConsent, redeemConsent } from "#core/store/grant-consent.ts";
import { redeemCode, rotateRefresh } from "#core/store/grant-tokens.ts";
import { openGrant, readGrant } from "#core/store/grants.ts";
import { endSession } from "#core/store/sessions.ts";
import { readTokenState } from "#core/store/token-states.ts";
import { describeEngines } from "../harness/engines.ts";
import { active, code, consented, ending, ISSUER, NOW, opened, opening, putClient, random, redemption, remembered, rotation, stateOf, tally, withCode, yes } from "./flow.ts";

const indexes = (n: number) => Array.from({ length: n }, (_, i) => i);

describeEngines("DESIGN the grant: two processes at once", (engine) => {
  test("RFC 6749 §4.1.2: of 200 redemptions of one code exactly one succeeds, and the replays end the grant", async () => {
    const { db, open } = engine();
    const other = await open();
    const grant = await withCode(db, opening(await putClient(db)));
    const outcomes = await Promise.all(indexes(200).map((i) => redeemCode(i % 2 === 0 ? db : other, ISSUER, code(grant))));
    assert.deepEqual(tally(outcomes), { redeemed: 1, replayed: 1, ended: 198 });
    assert.equal(await stateOf(db, grant), "ended");
  });

  test("RFC 6749 §4.1.2: 100 retries of one redemption all know that it has won, and end nothing", async () => {
    const { db, open } = engine();
    const other = await open();
    const grant = await withCode(db, opening(await putClient(db)));
    const once = code(grant);
    assert.deepEqual(tally(await Promise.all(indexes(100).map((i) => redeemCode(i % 2 === 0 ? db : other, ISSUER, once)))), { redeemed: 100 });
    assert.equal(await stateOf(db, grant), "active");
  });

  test("of 200 refreshes of one token in grace one rotates it and 199 get siblings of the new one", async () => {
    const { db, open } = engine();
    const other = await open();
    const grant = await active(db, opening(await putClient(db)));
    const outcomes = await Promise.all(indexes(200).map((i) => rotateRefresh(i % 2 === 0 ? db : other, ISSUER, rotation(grant, 0))));
    assert.deepEqual(tally(outcomes), { rotated: 1, sibling: 199 });
    assert.ok(outcomes.every((each) => (each.kind === "rotated" || each.kind === "sibling") && each.grant.generation === 1));
    assert.deepEqual((await readGrant(db, ISSUER, grant.id))?.grant.supersededAt, [NOW]);
  });

  test("five tabs that refresh as fast as they can, each with the token it holds: all go on, and at most 32 instants are kept", async () => {
    const { db, open } = engine();
    const other = await open();
    const { id } = await active(db, opening(await putClient(db)));
    const tab = async (i: number): Promise<string[]> => {
      const kinds: string[] = [];
      for (let generation = 0, n = 0; n < 40; n++) {
        const { grant } = (await readGrant(db, ISSUER, id)) ?? assert.fail();
        const outcome = await rotateRefresh(i % 2 === 0 ? db : other, ISSUER, rotation(grant, generation));
        kinds.push(outcome.kind);
        if (outcome.kind === "rotated" || outcome.kind === "sibling") generation = outcome.grant.generation;
      }
      return kinds;
    };
    const kinds = new Set((await Promise.all(indexes(5).map(tab))).flat());
    assert.deepEqual([...kinds].toSorted(), ["rotated", "sibling"]);
    const { grant } = (await readGrant(db, ISSUER, id)) ?? assert.fail();
    assert.deepEqual([grant.state, grant.generation, grant.supersededAt.length], ["active", 32, 32]);
  });

  test("RFC 9700 §4.14: without grace at most one of 200 refreshes of one token succeeds, and the reuse ends the grant", async () => {
    const { db, open } = engine();
    const other = await open();
    const grant = await active(db, opening(await putClient(db)));
    const outcomes = await Promise.all(indexes(200).map((i) => rotateRefresh(i % 2 === 0 ? db : other, ISSUER, rotation(grant, 0, { grace: 0 }))));
    assert.deepEqual(tally(outcomes), { rotated: 1, reused: 1, ended: 198 });
    assert.equal(await stateOf(db, grant), "ended");
  });

  test("a consent that is revoked while it is being remembered does not come back, whoever is faster", async () => {
    const { db, open } = engine();
    const other = await open();
    const client = await putClient(db);
    const grants = await Promise.all(indexes(30).map(() => consented(db, opening(client))));
    const outcomes = await Promise.all(
      grants.map(async (grant, i) => {
        const [first, second] = i % 2 === 0 ? [db, other] : [other, db];
        const [redeemed] = await Promise.all([
          redeemConsent(first, ISSUER, redemption(grant, { remember: remembered(grant) })),
          i % 3 === 0 ? revokeConsentOfGrant(second, ISSUER, grant.id, random(16)) : revokeConsent(second, ISSUER, grant.subject, client.clientId),
        ]);
        assert.equal(await findRememberedConsent(db, ISSUER, grant.subject, client.clientId, NOW), undefined);
        const { grant: state } = await readTokenState(db, ISSUER, { clientId: client.clientId, rowless: undefined, subject: undefined, grant });
        assert.ok(state?.state === "ended" || state?.current.consentEpoch === 1);
        return redeemed;
      }),
    );
    assert.ok(
      outcomes.every(({ kind }) => ["redeemed", "revoked", "spent"].includes(kind)),
      JSON.stringify(tally(outcomes)),
    );
  });

  test("a session that is ended while it stands for a login: the flow does not outlive it, whoever is faster", async () => {
    const { db, open } = engine();
    const other = await open();
    const client = await putClient(db);
    await Promise.all(
      indexes(30).map(async (i) => {
        const first = await opened(db, opening(client));
        const session = first.sessionId ?? assert.fail();
        const [a, b] = i % 2 === 0 ? [db, other] : [other, db];
        const row = opening(client, { subject: first.subject });
        const { birth } = await db.driver.read("SELECT birth FROM sessions WHERE id = ?", [session]).then(([found]) => ({ birth: new Uint8Array(found?.[0] as Uint8Array) }));
        const [kept] = await Promise.all([openGrant(a, ISSUER, { ...row, session: { kind: "keep", id: session, birth } }), endSession(b, ISSUER, ending(session))]);
        if (kept.kind !== "opened") return assert.equal(kept.kind, "session_ended");
        const { grant, current } = (await readGrant(db, ISSUER, kept.grant.id)) ?? assert.fail();
        assert.equal(holdOf(grant, current), "session_ended");
      }),
    );
  });

  test("50 flows of one subject at one client at once, each remembered: all get through, and one row is remembered", async () => {
    const { db, open } = engine();
    const other = await open();
    const client = await putClient(db);
    const first = await active(db, opening(client));
    const grants = await Promise.all(
      indexes(50).map(async (i) => {
        const at = i % 2 === 0 ? db : other;
        const grant = await opened(at, opening(client, { subject: first.subject }));
        const recorded = await recordConsent(at, ISSUER, { grant, consent: yes() });
        assert.ok(recorded.kind === "recorded");
        const redeemed = await redeemConsent(at, ISSUER, redemption(recorded.grant, { remember: remembered(recorded.grant) }));
        assert.ok(redeemed.kind === "redeemed");
        assert.equal((await redeemCode(at, ISSUER, code(redeemed.grant))).kind, "redeemed");
        return grant;
      }),
    );
    const consent = await findRememberedConsent(db, ISSUER, first.subject, client.clientId, NOW);
    assert.ok(grants.some(({ id }) => Buffer.compare(id, consent?.sourceGrantId ?? Buffer.of()) === 0));
  });
});
