import assert from "node:assert/strict";
import { test } from "node:test";
import { type Grant, holdOf } from "#core/model/grant.ts";
import { isLiveSession } from "#core/model/session.ts";
import { deleteClient, endAccessTokens } from "#core/store/clients.ts";
import { listConsentSessions } from "#core/store/consent-sessions.ts";
import { findRememberedConsent, revokeConsent, revokeConsentOfGrant } from "#core/store/consents.ts";
import type { Db } from "#core/store/db.ts";
import { redeemConsent } from "#core/store/grant-consent.ts";
import { redeemCode } from "#core/store/grant-tokens.ts";
import { endGrant, openGrant, readGrant } from "#core/store/grants.ts";
import { deleteExpired } from "#core/store/janitor.ts";
import { listRevocationEvents } from "#core/store/revocations.ts";
import { endSession, listSessionClients, readSession } from "#core/store/sessions.ts";
import { bumpGrantEpoch, bumpSessionEpoch, readSubjectEpochs } from "#core/store/subjects.ts";
import { readTokenState } from "#core/store/token-states.ts";
import type { EpochMillis } from "#lib/time.ts";
import { describeEngines } from "../harness/engines.ts";
import { active, at, code, consented, count, ending, ISSUER, NOW, name, opened, opening, putClient, random, redemption, refresh, remembered, stateOf, withCode } from "./flow.ts";

type Client = Awaited<ReturnType<typeof putClient>>;

const sweep = (db: Db, now: EpochMillis = NOW) => deleteExpired(db, ISSUER, { now, eventsBefore: 0 as EpochMillis, limit: 10_000 });
const holds = async (db: Db, { id }: Grant) => {
  const { grant, current } = (await readGrant(db, ISSUER, id)) ?? assert.fail("no grant");
  return holdOf(grant, current);
};
const tokenState = (db: Db, grant: Grant) => readTokenState(db, ISSUER, { clientId: grant.clientId, rowless: undefined, subject: undefined, grant });
const find = (db: Db, { subject, clientId }: Grant, now = NOW) => findRememberedConsent(db, ISSUER, subject, clientId, now);
const list = (db: Db, subject: string, now = NOW) => listConsentSessions(db, ISSUER, { subject, after: undefined, limit: 100, now });
const forgotten = (grant: Grant) => ({ remember: remembered(grant) });

/** One subject in every state of a flow, at one client. */
async function everyState(db: Db, client: Client) {
  const subject = name("subject");
  return {
    subject,
    login: opening(client, { subject }),
    consented: await consented(db, opening(client, { subject })),
    code: await withCode(db, opening(client, { subject })),
    active: await active(db, opening(client, { subject }), forgotten),
  };
}

/** What flows in flight, and a refresh, come to after something was revoked; no consent may be remembered. */
async function goOn(db: Db, flow: Awaited<ReturnType<typeof everyState>>) {
  return [
    (await redeemConsent(db, ISSUER, redemption(flow.consented, forgotten(flow.consented)))).kind,
    (await redeemCode(db, ISSUER, code(flow.code))).kind,
    (await refresh(db, flow.active.id, 0)).kind,
  ];
}

/** The same after a login that was decided before; nothing may be written. */
async function outcomes(db: Db, flow: Awaited<ReturnType<typeof everyState>>) {
  const before = [await count(db, "grants"), await count(db, "sessions"), await count(db, "session_clients")];
  const found = [(await openGrant(db, ISSUER, flow.login)).kind, ...(await goOn(db, flow))];
  assert.deepEqual([await count(db, "grants"), await count(db, "sessions"), await count(db, "session_clients")], before);
  return found;
}

const ALL_REVOKED = ["revoked", "revoked", "revoked", "revoked"];

describeEngines("DESIGN epochs", (engine) => {
  test("client.token_epoch: the client's access tokens end; its grants, codes and refresh tokens live on", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const flow = await everyState(db, client);
    assert.equal((await tokenState(db, flow.active)).client?.tokenEpoch, 0);
    await endAccessTokens(db, ISSUER, client.clientId);
    assert.equal((await tokenState(db, flow.active)).client?.tokenEpoch, 1);
    assert.deepEqual([(await redeemCode(db, ISSUER, code(flow.code))).kind, (await refresh(db, flow.active.id, 0)).kind], ["redeemed", "rotated"]);
  });

  test("client.incarnation: a client that was deleted, and made again under its name, gets nothing of what the first one had", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const flow = await everyState(db, client);
    await tokenState(db, flow.active);
    await deleteClient(db, ISSUER, client.clientId);
    for (const again of [false, true]) {
      if (again) await putClient(db, client.clientId);
      await sweep(db);
      const state = await tokenState(db, flow.active);
      if (again) assert.notDeepEqual(state.client?.incarnation, state.grant?.clientIncarnation);
      else assert.equal(state.client, undefined);
      assert.deepEqual(await outcomes(db, flow), ALL_REVOKED);
      assert.equal(await find(db, flow.active), undefined);
      assert.deepEqual(await list(db, flow.subject), []);
      assert.deepEqual(await listSessionClients(db, ISSUER, flow.active.sessionId ?? assert.fail()), []);
    }
    assert.equal(await stateOf(db, flow.active), "active", "no sweep was needed");
  });

  test("subject.grant_epoch: all consents of the subject, remembered ones and flows in flight included; a new login begins anew", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const flow = await everyState(db, client);
    await tokenState(db, flow.active);
    assert.equal(await bumpGrantEpoch(db, ISSUER, flow.subject), 1);
    const { grant } = await tokenState(db, flow.active);
    assert.deepEqual([grant?.grantEpoch, grant?.current.grantEpoch], [0, 1]);
    assert.deepEqual(await outcomes(db, flow), ALL_REVOKED);
    assert.equal(await find(db, flow.active), undefined);
    assert.deepEqual(await list(db, flow.subject), []);
    assert.deepEqual(await readSubjectEpochs(db, ISSUER, flow.subject), { grantEpoch: 1, sessionEpoch: 0 });
    assert.deepEqual(await readSubjectEpochs(db, ISSUER, name("nobody")), { grantEpoch: 0, sessionEpoch: 0 });
    const next = await openGrant(db, ISSUER, opening(client, { subject: flow.subject, grantEpoch: 1 }));
    assert.ok(next.kind === "opened");
    assert.equal(next.remembered, undefined);
    const { session, sessionEpoch } = (await readSession(db, ISSUER, flow.active.sessionId ?? assert.fail())) ?? assert.fail();
    assert.equal(isLiveSession(session, sessionEpoch, NOW), true, "the login session is another matter");
  });

  test("consent.epoch: the subject's grants at one client, the row emptied and the janitor run in between; other clients are untouched", async () => {
    const { db } = engine();
    const [client, other] = [await putClient(db), await putClient(db)];
    const flow = await everyState(db, client);
    const elsewhere = await active(db, opening(other, { subject: flow.subject }), forgotten);
    await tokenState(db, flow.active);
    await tokenState(db, elsewhere);
    assert.deepEqual(await revokeConsent(db, ISSUER, flow.subject, client.clientId), { kind: "revoked", epoch: 1 });
    const { grant } = await tokenState(db, flow.active);
    assert.deepEqual([grant?.consentEpoch, grant?.current.consentEpoch], [0, 1]);
    await sweep(db);
    assert.deepEqual(await goOn(db, flow), ["revoked", "revoked", "revoked"]);
    assert.equal(await find(db, flow.active), undefined);
    assert.deepEqual((await tokenState(db, elsewhere)).grant?.current, { grantEpoch: 0, consentEpoch: 0 });
    assert.equal((await find(db, elsewhere))?.clientId, other.clientId);
    // A grant captures the epoch when it is born, so a login that was decided before may still lead to a question.
    const next = await active(db, flow.login, forgotten);
    assert.equal(next.consentEpoch, 1);
    assert.deepEqual((await find(db, next))?.epoch, 1);
    assert.deepEqual(
      (await list(db, flow.subject)).map(({ id }) => Buffer.from(id).toString("hex")).toSorted(),
      [elsewhere, next].map(({ id }) => Buffer.from(id).toString("hex")).toSorted(),
    );
  });

  test("consent.epoch of a consent that was never remembered: absent means 0, and what is bumped stays", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const grant = await active(db, opening(client));
    await revokeConsent(db, ISSUER, grant.subject, client.clientId);
    await sweep(db, at(1e12));
    const later = await opened(db, opening(client, { subject: grant.subject }));
    assert.deepEqual([later.consentEpoch, (await revokeConsent(db, ISSUER, grant.subject, client.clientId)).epoch], [1, 2]);
  });

  test("by consent_request_id: the grant ends; if it is the remembered consent's source, that is forgotten and its epoch moves", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const source = await active(db, opening(client), forgotten);
    const { subject } = source;
    const second = await active(db, opening(client, { subject }));
    const third = await active(db, opening(client, { subject }));
    for (const grant of [source, second, third]) await tokenState(db, grant);
    const revoke = (id: Uint8Array) => revokeConsentOfGrant(db, ISSUER, id, random(16));
    assert.deepEqual(await revoke(second.id), { kind: "revoked", grant: { subject, clientId: client.clientId } });
    assert.deepEqual([(await tokenState(db, second)).grant?.state, (await refresh(db, third.id, 0)).kind], ["ended", "rotated"]);
    assert.deepEqual((await find(db, source))?.sourceGrantId, source.id);
    assert.equal((await tokenState(db, third)).grant?.current.consentEpoch, 0);
    assert.equal((await revoke(source.id)).kind, "revoked");
    assert.equal(await find(db, source), undefined);
    const { grant } = await tokenState(db, third);
    assert.deepEqual([grant?.state, grant?.consentEpoch, grant?.current.consentEpoch], ["active", 0, 1]);
    assert.equal((await refresh(db, third.id, 1)).kind, "revoked");
    for (const id of [source.id, second.id, random(16)]) assert.equal((await revoke(id)).kind, "missing");
    const kinds = (await listRevocationEvents(db, ISSUER, { since: 0 as EpochMillis, limit: 10_000 })).flatMap(({ record: { target } }) =>
      target.case === "grant" ? [Buffer.from(target.value).toString("hex")] : target.case === "consent" && target.value.subject === subject ? ["consent"] : [],
    );
    for (const each of [Buffer.from(source.id).toString("hex"), Buffer.from(second.id).toString("hex"), "consent"]) assert.equal(kinds.filter((kind) => kind === each).length, 1);
  });

  test("by consent_request_id after the grant's row was freed: the remembered consent that came from it is forgotten", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const source = await active(db, opening(client), forgotten);
    await sweep(db, at(86_400_001));
    assert.equal(await stateOf(db, source), undefined);
    assert.deepEqual(
      (await list(db, source.subject, at(86_400_001))).map(({ kind, id }) => [kind, id]),
      [["remembered", source.id]],
    );
    assert.equal((await revokeConsentOfGrant(db, ISSUER, source.id, random(16))).kind, "revoked");
    assert.deepEqual([await find(db, source), await list(db, source.subject)], [undefined, []]);
  });

  test("subject.session_epoch: sessions and flows in flight die, each before it has written anything; tokens live", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const flow = await everyState(db, client);
    assert.equal(await bumpSessionEpoch(db, ISSUER, flow.subject), 1);
    const { session, sessionEpoch } = (await readSession(db, ISSUER, flow.active.sessionId ?? assert.fail())) ?? assert.fail();
    assert.equal(isLiveSession(session, sessionEpoch, NOW), false);
    assert.deepEqual(await outcomes(db, flow), ["session_ended", "session_ended", "revoked", "rotated"]);
    const keep = { kind: "keep", id: session.id, birth: session.birth } as const;
    assert.equal(
      (await openGrant(db, ISSUER, { ...opening(client, { subject: flow.subject, sessionEpoch: 1 }), session: keep })).kind,
      "session_ended",
      "a dead session stands for nobody",
    );
    assert.equal((await openGrant(db, ISSUER, opening(client, { subject: flow.subject, sessionEpoch: 1 }))).kind, "opened");
  });

  test("a session ended by its sid: its own flows in flight die, those of the subject's other sessions go on; tokens live", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const flow = await everyState(db, client);
    for (const { sessionId } of [flow.consented, flow.code, flow.active]) assert.equal((await endSession(db, ISSUER, ending(sessionId))).kind, "ended");
    assert.deepEqual(
      [
        await holds(db, flow.consented),
        (await redeemConsent(db, ISSUER, redemption(flow.consented, forgotten(flow.consented)))).kind,
        (await redeemCode(db, ISSUER, code(flow.code))).kind,
      ],
      ["session_ended", "session_ended", "revoked"],
    );
    assert.equal((await refresh(db, flow.active.id, 0)).kind, "rotated");
    const reloaded = await opened(db, flow.login);
    await endSession(db, ISSUER, ending(reloaded.sessionId));
    assert.equal((await openGrant(db, ISSUER, flow.login)).kind, "session_ended", "a reload of the verifier's URL does not bring it back");
  });

  test("RFC 7009 on a token of a grant: the grant ends, and what was remembered stays and is still listed", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const grant = await active(db, opening(client), forgotten);
    await tokenState(db, grant);
    assert.deepEqual(
      (await list(db, grant.subject)).map(({ kind, id }) => [kind, id]),
      [["grant", grant.id]],
    );
    assert.equal((await endGrant(db, ISSUER, { ...grant, attempt: random(16) })).kind, "ended");
    assert.equal((await tokenState(db, grant)).grant?.state, "ended");
    assert.equal((await refresh(db, grant.id, 0)).kind, "ended");
    assert.deepEqual(
      (await list(db, grant.subject)).map(({ kind, id }) => [kind, id]),
      [["remembered", grant.id]],
    );
    assert.deepEqual((await find(db, grant))?.sourceGrantId, grant.id);
  });

  test("consent sessions come page by page, live grants and remembered consents in one order", async () => {
    const { db } = engine();
    const subject = name("subject");
    const wanted = [];
    for (let i = 0; i < 5; i++) {
      const grant = await active(db, opening(await putClient(db), { subject }), forgotten);
      if (i % 2 === 0) await endGrant(db, ISSUER, { ...grant, attempt: random(16) });
      wanted.push(grant.id);
    }
    await consented(db, opening(await putClient(db), { subject }));
    const found = [];
    for (let after: Uint8Array | undefined; ; ) {
      const page = await listConsentSessions(db, ISSUER, { subject, after, limit: 2, now: NOW });
      found.push(...page.map(({ id }) => id));
      if (page.length < 2) break;
      after = page.at(-1)?.id;
    }
    assert.deepEqual(found, wanted.toSorted(Buffer.compare));
  });
});

describeEngines("DESIGN the grant: the janitor", (engine) => {
  test("a grant goes only after the expiry of all that names it; its birth is the second lock when a verifier is replayed then", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const wanted = opening(client);
    const grant = await active(db, wanted);
    const state = () => readTokenState(db, ISSUER, { clientId: client.clientId, rowless: undefined, subject: undefined, grant });
    await state();
    await sweep(db, at(86_400_000));
    assert.equal((await state()).grant?.state, "active", "the last instant at which a token may be good");
    await sweep(db, at(86_400_001));
    assert.equal((await state()).grant, undefined);
    const replayed = await openGrant(db, ISSUER, { ...wanted, grant: { ...wanted.grant, birth: random(8) } });
    assert.ok(replayed.kind === "opened");
    assert.equal((await redeemCode(db, ISSUER, code(grant))).kind, "unknown");
    assert.notDeepEqual((await state()).grant?.birth, grant.birth);
  });

  test("expired remembered consents are emptied where their epoch has moved and deleted where it has not; the others stay", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const grants = [];
    for (let i = 0; i < 3; i++) {
      const subject = name("subject");
      if (i > 0) await revokeConsent(db, ISSUER, subject, client.clientId);
      grants.push(await withCode(db, opening(client, { subject }), (grant) => ({ remember: remembered(grant, at(i === 2 ? 1_000_000 : 1000)) })));
    }
    const rows = await count(db, "consents");
    assert.equal((await sweep(db, at(2000))).consents, 2);
    assert.equal(await count(db, "consents"), rows - 1);
    const found = await Promise.all(grants.map((grant) => find(db, grant)));
    assert.deepEqual(
      found.map((consent) => consent !== undefined),
      [false, false, true],
    );
    const [, bumped] = grants;
    assert.equal((await opened(db, opening(client, { subject: bumped?.subject ?? assert.fail() }))).consentEpoch, 1);
  });
});
