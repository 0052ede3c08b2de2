import assert from "node:assert/strict";
import { test } from "node:test";
import type { Grant } from "#core/model/grant.ts";
import { recordConsent, redeemConsent } from "#core/store/grant-consent.ts";
import { redeemCode, rotateRefresh } from "#core/store/grant-tokens.ts";
import { endGrant, openGrant, readGrant } from "#core/store/grants.ts";
import { readSession } from "#core/store/sessions.ts";
import { readTokenState, readTokenStates } from "#core/store/token-states.ts";
import { describeEngines } from "../harness/engines.ts";
import { active, code, count, ISSUER, opening, putClient, random, redemption, remembered, rotation, yes } from "./flow.ts";

describeEngines("DESIGN the grant: how many statements it takes", (engine) => {
  test("a whole flow, with a session that replaces another and a consent that is remembered, takes ten; a refresh one, a sibling two or one", async () => {
    const statements: string[] = [];
    const db = await engine().open(({ sql }) => statements.push(sql));
    const counted = async <R>(most: number, step: () => Promise<R>): Promise<R> => {
      statements.length = 0;
      const outcome = await step();
      assert.equal(statements.length, most, statements.join("\n"));
      return outcome;
    };
    const client = await putClient(db);
    const before = await active(db, opening(client));
    const wanted = opening(client, { subject: before.subject });
    const plain = await counted(3, () => openGrant(db, ISSUER, wanted));
    assert.ok(plain.kind === "opened");
    await counted(3, () => openGrant(db, ISSUER, wanted));
    const session = opening(client).session;
    assert.ok(session?.kind === "new");
    const open = await counted(5, () => openGrant(db, ISSUER, { ...opening(client, { subject: before.subject }), session: { ...session, replaces: before.sessionId } }));
    assert.ok(open.kind === "opened");
    const recorded = await counted(1, () => recordConsent(db, ISSUER, { grant: open.grant, consent: yes() }));
    assert.ok(recorded.kind === "recorded");
    const redeemed = await counted(3, () => redeemConsent(db, ISSUER, redemption(recorded.grant, { remember: remembered(recorded.grant) })));
    assert.ok(redeemed.kind === "redeemed");
    const got = await counted(1, () => redeemCode(db, ISSUER, code(redeemed.grant)));
    assert.ok(got.kind === "redeemed");
    assert.equal((await counted(1, () => rotateRefresh(db, ISSUER, rotation(got.grant, 0)))).kind, "rotated");
    assert.equal((await counted(2, () => rotateRefresh(db, ISSUER, rotation(got.grant, 0)))).kind, "sibling");
    const reading = (await counted(1, () => readGrant(db, ISSUER, got.grant.id))) ?? assert.fail();
    assert.equal((await counted(1, () => rotateRefresh(db, ISSUER, rotation(reading.grant, 0)))).kind, "sibling");
    await counted(1, () => readSession(db, ISSUER, got.grant.sessionId ?? assert.fail()));
    await counted(2, () => endGrant(db, ISSUER, { ...got.grant, attempt: random(16) }));
  });

  test("the state of a grant's token takes one, none on SQLite when it is known; hundreds take few, and other tokens may be among them", async () => {
    const { open, engine: kind } = engine();
    const statements: string[] = [];
    const db = await open(({ sql }) => statements.push(sql));
    const client = await putClient(db);
    const grants: Grant[] = [];
    for (let i = 0; i < 5; i++) grants.push(await active(db, opening(client)));
    const query = (grant: { readonly id: Uint8Array } | undefined) => ({ clientId: client.clientId, rowless: undefined, subject: undefined, grant });
    const [first] = grants;
    statements.length = 0;
    assert.equal((await readTokenState(db, ISSUER, query(first))).grant?.state, "active");
    assert.equal(statements.length, 1);
    await readTokenState(db, ISSUER, query(first));
    assert.equal(statements.length, kind === "sqlite" ? 1 : 2);
    statements.length = 0;
    const asked = Array.from({ length: 300 }, (_, i) => (i % 7 === 6 ? undefined : i % 7 === 5 ? { id: random(16) } : grants[i % 7]));
    const states = await readTokenStates(db, ISSUER, asked.map(query));
    assert.deepEqual(
      states.map(({ grant, client: found }) => [grant?.subject, found?.tokenEpoch]),
      asked.map((grant) => (grant === undefined ? [undefined, 0] : "subject" in grant ? [grant.subject, 0] : [undefined, undefined])),
    );
    assert.ok(statements.length <= 3, String(statements.length));
    statements.length = 0;
    await Promise.all(Array.from({ length: 200 }, (_, i) => readTokenState(db, ISSUER, query(grants[i % 5]))));
    assert.ok(statements.length <= 5, String(statements.length));
  });

  test("nothing is written by a login that is refused, however often", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const before = [await count(db, "grants"), await count(db, "sessions"), await count(db, "session_clients"), await count(db, "consents")];
    for (let i = 0; i < 20; i++) assert.equal((await openGrant(db, ISSUER, opening({ ...client, clientIncarnation: random(8) }))).kind, "revoked");
    assert.deepEqual([await count(db, "grants"), await count(db, "sessions"), await count(db, "session_clients"), await count(db, "consents")], before);
  });
});
