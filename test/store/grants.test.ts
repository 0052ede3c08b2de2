import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { findRememberedConsent } from "#core/store/consents.ts";
import { findDecision, putDecision } from "#core/store/decisions.ts";
import { recordConsent, redeemConsent } from "#core/store/grant-consent.ts";
import { redeemCode, rotateRefresh } from "#core/store/grant-tokens.ts";
import { endGrant, openGrant, readGrant } from "#core/store/grants.ts";
import { endSession, extendSession, listSessionClients, readSession } from "#core/store/sessions.ts";
import { readTokenState } from "#core/store/token-states.ts";
import { DecisionRecordSchema } from "#gen/writ/store/v1/decision_pb.ts";
import { ConsentAcceptanceSchema, ConsentDecisionSchema, GrantRecordSchema, TokenSessionSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import { describeEngines } from "../harness/engines.ts";
import {
  at,
  code,
  consented,
  count,
  ending,
  ISSUER,
  NOW,
  name,
  no,
  opened,
  opening,
  putClient,
  random,
  redemption,
  refresh,
  remembered,
  rotation,
  stateOf,
  withCode,
  yes,
} from "./flow.ts";

describeEngines("DESIGN the grant: opened by a login decision", (engine) => {
  test("a flow from login to refresh: each step moves the one row, and what it wrote is read back", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const wanted = opening(client);
    const grant = await opened(db, wanted);
    assert.deepEqual((await readGrant(db, ISSUER, grant.id))?.grant, grant);
    const recorded = await recordConsent(db, ISSUER, { grant, consent: yes() });
    assert.equal(recorded.kind, "recorded");
    const read = (await readGrant(db, ISSUER, grant.id))?.grant ?? assert.fail();
    assert.deepEqual([read.state, read.record.consent?.outcome.case, read.record.request?.state], ["consented", "accepted", "s"]);
    const redeemed = await redeemConsent(db, ISSUER, redemption(read));
    assert.ok(redeemed.kind === "redeemed");
    assert.deepEqual((await readGrant(db, ISSUER, grant.id))?.grant, redeemed.grant);
    const hooked = create(TokenSessionSchema, { sealedSession: "from the hook" });
    const got = await redeemCode(db, ISSUER, code(redeemed.grant, { session: hooked, expiresAt: at(7_200_000) }));
    assert.ok(got.kind === "redeemed");
    const activeGrant = (await readGrant(db, ISSUER, grant.id))?.grant;
    assert.deepEqual(activeGrant, got.grant);
    assert.deepEqual([activeGrant?.state, activeGrant?.record.session?.sealedSession, activeGrant?.expiresAt], ["active", "from the hook", at(7_200_000)]);
    const rotated = await rotateRefresh(
      db,
      ISSUER,
      rotation(got.grant, 0, { now: at(5), expiresAt: at(9_000_000), session: create(TokenSessionSchema, { sealedSession: "second" }) }),
    );
    assert.ok(rotated.kind === "rotated");
    assert.deepEqual((await readGrant(db, ISSUER, grant.id))?.grant, rotated.grant);
    assert.deepEqual(
      [rotated.grant.generation, rotated.grant.supersededAt, rotated.grant.expiresAt, rotated.grant.record.session?.sealedSession],
      [1, [at(5)], at(9_000_000), "second"],
    );
    const shorter = await rotateRefresh(db, ISSUER, rotation(rotated.grant, 1, { expiresAt: at(10) }));
    assert.ok(shorter.kind === "rotated");
    assert.equal((await readGrant(db, ISSUER, grant.id))?.grant.expiresAt, at(9_000_000), "it never becomes earlier: tokens that were issued before name the grant too");
  });

  test("the same decision again while the state is login gets the same grant; another decision, or a later state, is spent and writes nothing", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const wanted = opening(client);
    const grant = await opened(db, wanted);
    const sessions = await count(db, "sessions");
    const again = opening(client, { ...wanted.grant, birth: random(8) });
    const reload = await openGrant(db, ISSUER, again);
    assert.ok(reload.kind === "opened");
    assert.deepEqual([reload.grant.birth, reload.grant.sessionId], [grant.birth, grant.sessionId]);
    assert.equal((await openGrant(db, ISSUER, opening(client, { ...wanted.grant, decision: random(16) }))).kind, "spent");
    await recordConsent(db, ISSUER, { grant, consent: yes() });
    assert.equal((await openGrant(db, ISSUER, wanted)).kind, "spent");
    assert.equal(await count(db, "sessions"), sessions);
  });

  test("of 50 decisions of one challenge at once by two processes exactly one counts, and only its session is there", async () => {
    const { db, open } = engine();
    const other = await open();
    const client = await putClient(db);
    const { grant } = opening(client);
    const sessions = await count(db, "sessions");
    const racers = Array.from({ length: 50 }, () => opening(client, { ...grant, birth: random(8), decision: random(16) }));
    const outcomes = await Promise.all(racers.map((racer, i) => openGrant(i % 2 === 0 ? db : other, ISSUER, racer)));
    assert.deepEqual(outcomes.map(({ kind }) => kind).toSorted(), ["opened", ...Array.from({ length: 49 }, () => "spent")]);
    assert.equal(await count(db, "sessions"), sessions + 1);
  });

  test("a login that replaces the browser's session ends the old row; the flow of another tab goes on", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const first = await consented(db, opening(client));
    const second = opening(client, { subject: first.subject });
    const session = second.session?.kind === "new" ? second.session : assert.fail();
    const grant = await withCode(db, { ...second, session: { ...session, replaces: first.sessionId } });
    assert.equal(await readSession(db, ISSUER, first.sessionId ?? assert.fail()), undefined);
    assert.deepEqual(await listSessionClients(db, ISSUER, first.sessionId ?? assert.fail()), []);
    assert.deepEqual(
      (await listSessionClients(db, ISSUER, grant.sessionId ?? assert.fail())).map(({ clientId }) => clientId),
      [client.clientId],
    );
    assert.equal((await redeemConsent(db, ISSUER, redemption(first))).kind, "redeemed");
    assert.deepEqual(await listSessionClients(db, ISSUER, first.sessionId ?? assert.fail()), [], "and takes no part in a session that is no more");
  });

  test("a session that stands for the login must be remembered, live, of the same subject and birth; otherwise nothing is written", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const first = await opened(db, opening(client));
    const { session } = (await readSession(db, ISSUER, first.sessionId ?? assert.fail())) ?? assert.fail();
    const keep = { kind: "keep", id: session.id, birth: session.birth, expiresAt: at(9_999_999) } as const;
    const grants = await count(db, "grants");
    const wanted = opening(client, { subject: first.subject });
    for (const broken of [
      { ...wanted, session: { ...keep, birth: random(8) } },
      { ...wanted, session: { ...keep, id: random(16) } },
      { ...wanted, session: keep, now: session.expiresAt },
      { ...opening(client), session: keep },
    ])
      assert.equal((await openGrant(db, ISSUER, broken)).kind, "session_ended");
    assert.equal(await count(db, "grants"), grants);
    const grant = await opened(db, { ...wanted, session: keep });
    assert.deepEqual([grant.sessionId, (await readSession(db, ISSUER, session.id))?.session.expiresAt], [session.id, at(9_999_999)]);
    const forgetful = opening(client);
    const plain = forgetful.session?.kind === "new" ? forgetful.session : assert.fail();
    const unremembered = await opened(db, { ...forgetful, session: { ...plain, session: { ...plain.session, remember: false } } });
    const { id, birth } = plain.session;
    assert.equal((await openGrant(db, ISSUER, { ...opening(client, { subject: unremembered.subject }), session: { kind: "keep", id, birth } })).kind, "session_ended");
  });
});

describeEngines("DESIGN the grant: consent", (engine) => {
  test("a repeated accept with the same content returns the decision that counts; other content, or a later state, is spent and widens nothing", async () => {
    const { db } = engine();
    const grant = await opened(db, opening(await putClient(db)));
    const first = await recordConsent(db, ISSUER, { grant, consent: yes() });
    assert.ok(first.kind === "recorded");
    const same = await recordConsent(db, ISSUER, { grant, consent: yes() });
    assert.ok(same.kind === "recorded");
    assert.deepEqual(same.grant.record.consent.id, first.grant.record.consent.id);
    const wider = create(ConsentDecisionSchema, { ...yes("wider"), outcome: { case: "accepted", value: create(ConsentAcceptanceSchema, { scope: ["openid", "admin"] }) } });
    assert.equal((await recordConsent(db, ISSUER, { grant, consent: wider })).kind, "spent");
    assert.equal((await recordConsent(db, ISSUER, { grant, consent: no() })).kind, "spent");
    const redeemed = await redeemConsent(db, ISSUER, redemption(first.grant));
    assert.ok(redeemed.kind === "redeemed");
    for (const consent of [yes(), wider]) assert.equal((await recordConsent(db, ISSUER, { grant, consent })).kind, "spent");
    await redeemCode(db, ISSUER, code(redeemed.grant));
    assert.equal((await recordConsent(db, ISSUER, { grant, consent: wider })).kind, "spent");
    assert.deepEqual((await readGrant(db, ISSUER, grant.id))?.grant.record.consent?.outcome.value?.$typeName, "writ.store.v1.ConsentAcceptance");
    assert.deepEqual((await readGrant(db, ISSUER, grant.id))?.grant.record.consent?.id, first.grant.record.consent.id);
    assert.equal((await recordConsent(db, ISSUER, { grant: { ...grant, birth: random(8) }, consent: yes() })).kind, "unknown");
  });

  test("of 50 different decisions at once exactly one is recorded", async () => {
    const { db, open } = engine();
    const other = await open();
    const grant = await opened(db, opening(await putClient(db)));
    const outcomes = await Promise.all(Array.from({ length: 50 }, (_, i) => recordConsent(i % 2 === 0 ? db : other, ISSUER, { grant, consent: yes(String(i)) })));
    assert.equal(outcomes.filter(({ kind }) => kind === "recorded").length, 1);
  });

  test("what another process wrote into the document meanwhile is kept, fields that this version does not know included", async () => {
    const { db } = engine();
    const grant = await opened(db, opening(await putClient(db)));
    const unknownField = Buffer.of(0xfa, 0x3e, 0x03, 0x6e, 0x65, 0x77); // field 1007: "new"
    const document = Buffer.concat([toBinary(GrantRecordSchema, grant.record), unknownField]);
    await db.driver.write(function* () {
      yield { kind: "run", sql: "UPDATE grants SET document = ?, row_version = row_version + 1 WHERE id = ?", params: [document, grant.id] };
    });
    const recorded = await recordConsent(db, ISSUER, { grant, consent: yes() });
    assert.ok(recorded.kind === "recorded");
    const redeemed = await redeemConsent(db, ISSUER, redemption(recorded.grant));
    assert.ok(redeemed.kind === "redeemed");
    await redeemCode(db, ISSUER, code(redeemed.grant, { session: create(TokenSessionSchema, { sealedSession: "x" }) }));
    const [row] = await db.driver.read("SELECT document FROM grants WHERE id = ?", [grant.id]);
    const bytes = Buffer.from(row?.[0] as Uint8Array);
    assert.ok(bytes.includes(unknownField));
    assert.deepEqual(fromBinary(GrantRecordSchema, bytes).session?.sealedSession, "x");
  });

  test("redeeming a consent twice is spent, but for the retry of the same attempt; the verifier of another decision is spent", async () => {
    const { db } = engine();
    const grant = await consented(db, opening(await putClient(db)));
    assert.equal((await redeemConsent(db, ISSUER, redemption(grant, { consentId: random(16) }))).kind, "spent");
    assert.equal((await redeemConsent(db, ISSUER, redemption(grant, { now: grant.expiresAt }))).kind, "expired");
    const once = redemption(grant);
    assert.equal((await redeemConsent(db, ISSUER, once)).kind, "redeemed");
    assert.equal((await redeemConsent(db, ISSUER, once)).kind, "redeemed");
    assert.equal((await redeemConsent(db, ISSUER, { ...once, attempt: random(16) })).kind, "spent");
    assert.equal((await redeemConsent(db, ISSUER, redemption({ ...grant, id: random(16) }))).kind, "unknown");
  });

  test("redeeming a reject ends the grant and remembers nothing; an implicit flow is active at once", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const recorded = await recordConsent(db, ISSUER, { grant: await opened(db, opening(client)), consent: no() });
    assert.ok(recorded.kind === "recorded");
    const rejected = redemption(recorded.grant, { remember: remembered(recorded.grant) });
    assert.equal((await redeemConsent(db, ISSUER, rejected)).kind, "rejected");
    assert.equal((await redeemConsent(db, ISSUER, rejected)).kind, "rejected", "the same attempt");
    assert.equal((await redeemConsent(db, ISSUER, { ...rejected, attempt: random(16) })).kind, "spent");
    assert.equal(await stateOf(db, recorded.grant), "ended");
    assert.equal(await findRememberedConsent(db, ISSUER, recorded.grant.subject, client.clientId, NOW), undefined);
    assert.equal((await withCode(db, opening(client), { state: "active" })).state, "active");
  });

  test("a remembered consent is found until it expires, replaced by a later one, and told to the next login", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const first = await withCode(db, opening(client), (grant) => ({ remember: remembered(grant, at(1000)) }));
    const find = (now = NOW) => findRememberedConsent(db, ISSUER, first.subject, client.clientId, now);
    const consent = await find();
    assert.deepEqual([consent?.sourceGrantId, consent?.record.consent?.outcome.case, consent?.expiresAt], [first.id, "accepted", at(1000)]);
    assert.equal(await find(at(1000)), undefined);
    const second = await withCode(db, opening(client, { subject: first.subject }), (grant) => ({ remember: remembered(grant) }));
    assert.deepEqual([(await find(at(1e9)))?.sourceGrantId, (await find())?.expiresAt], [second.id, undefined]);
    const next = await openGrant(db, ISSUER, opening(client, { subject: first.subject }));
    assert.ok(next.kind === "opened");
    assert.deepEqual(next.remembered, await find());
  });
});

describeEngines("DESIGN the grant: sessions, decisions, the state of tokens", (engine) => {
  test("a session is read with its subject's epoch, extended but never shortened, and ended once with the clients to tell", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const grant = await withCode(db, opening(client));
    const id = grant.sessionId ?? assert.fail();
    const reading = (await readSession(db, ISSUER, id)) ?? assert.fail();
    assert.deepEqual([reading.sessionEpoch, reading.session.subject, reading.session.remember, reading.session.record.acr], [0, grant.subject, true, "1"]);
    const extend = (expiresAt: EpochMillis, now = NOW) => extendSession(db, ISSUER, { ...reading.session, expiresAt, now });
    assert.equal((await extend(at(5_000_000))).kind, "extended");
    assert.equal((await extend(at(1))).kind, "extended");
    assert.equal((await readSession(db, ISSUER, id))?.session.expiresAt, at(5_000_000));
    assert.equal((await extend(at(9_000_000), at(5_000_000))).kind, "missing", "what has expired stays so");
    const ends = await Promise.all([endSession(db, ISSUER, ending(id)), endSession(db, ISSUER, ending(id))]);
    assert.deepEqual(ends.map(({ kind }) => kind).toSorted(), ["ended", "missing"]);
    assert.deepEqual(
      ends.flatMap((end) => (end.kind === "ended" ? end.clients.map(({ clientId }) => clientId) : [])),
      [client.clientId],
    );
    assert.deepEqual([await readSession(db, ISSUER, id), await listSessionClients(db, ISSUER, id)], [undefined, []]);
  });

  test("a decision is found as often as its URL is loaded, until it expires", async () => {
    const { db } = engine();
    const decision = { id: random(16), expiresAt: at(1000), record: create(DecisionRecordSchema, { sealedVerifier: "v".repeat(60_000) }) };
    await putDecision(db, ISSUER, decision);
    for (let i = 0; i < 2; i++) assert.deepEqual(await findDecision(db, ISSUER, decision.id, NOW), decision);
    assert.equal(await findDecision(db, ISSUER, decision.id, at(1000)), undefined);
    assert.equal(await findDecision(db, 2, decision.id, NOW), undefined);
    assert.equal(await findDecision(db, ISSUER, random(16), NOW), undefined);
  });

  test("the state of a grant's token follows each write, also by another process, and says nothing of other issuers' grants", async () => {
    const { db, open } = engine();
    const other = await open();
    const client = await putClient(db);
    const wanted = opening(client);
    const state = (at = db) => readTokenState(at, ISSUER, { clientId: client.clientId, rowless: undefined, subject: undefined, grant: { id: wanted.grant.id } });
    assert.equal((await state()).grant, undefined);
    await opened(db, wanted);
    assert.equal((await state()).grant?.state, "login");
    const recorded = await recordConsent(db, ISSUER, { grant: (await readGrant(db, ISSUER, wanted.grant.id))?.grant ?? assert.fail(), consent: yes() });
    assert.ok(recorded.kind === "recorded");
    assert.equal((await state()).grant?.state, "consented");
    const redeemed = await redeemConsent(db, ISSUER, redemption(recorded.grant));
    assert.ok(redeemed.kind === "redeemed");
    const { grant } = redeemed;
    const found = await state();
    assert.deepEqual(
      [found.grant?.state, found.grant?.birth, found.grant?.generation, found.grant?.subject, found.grant?.current, found.client?.tokenEpoch, found.grant?.record().request?.scope],
      ["code", grant.birth, 0, grant.subject, { grantEpoch: 0, consentEpoch: 0 }, 0, ["openid"]],
    );
    assert.equal((await state(other)).grant?.state, "code");
    assert.equal((await redeemCode(other, ISSUER, code(grant))).kind, "redeemed");
    for (const each of [db, other]) assert.equal((await state(each)).grant?.state, "active");
    await refresh(db, grant.id, 0);
    for (const each of [db, other]) assert.equal((await state(each)).grant?.generation, 1);
    await endGrant(other, ISSUER, { id: grant.id, birth: undefined, attempt: random(16) });
    for (const each of [db, other]) assert.equal((await state(each)).grant?.state, "ended");
    assert.equal((await readTokenState(db, 2, { clientId: name(), rowless: undefined, subject: undefined, grant: { id: grant.id } })).grant, undefined);
  });

  test("a subject that is too long is refused when it is written, and its session with it", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const before = [await count(db, "grants"), await count(db, "sessions")];
    await assert.rejects(openGrant(db, ISSUER, opening(client, { subject: "s".repeat(256) })), (error: unknown) => error instanceof OAuthError && error.code === "invalid_request");
    assert.deepEqual([await count(db, "grants"), await count(db, "sessions")], before);
  });
});
