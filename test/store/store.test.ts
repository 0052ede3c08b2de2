import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { useAssertionJti } from "#core/store/assertion-jtis.ts";
import { deleteClient, endAccessTokens, getClient, insertClient, listClients, updateClient } from "#core/store/clients.ts";
import { type Db, databaseTime, openDb } from "#core/store/db.ts";
import { parseDsn } from "#core/store/dsn.ts";
import { deleteExpired } from "#core/store/janitor.ts";
import { deleteJwks, insertFirstJwk, insertJwk, listJwks, listSealKeyIds, putJwk, replaceJwkSet, resealJwk } from "#core/store/jwks.ts";
import { listRevocationEvents, revocationHorizon, revokeRowlessToken } from "#core/store/revocations.ts";
import { bumpGrantEpoch, bumpSessionEpoch } from "#core/store/subjects.ts";
import { readTokenState, readTokenStates } from "#core/store/token-states.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { JwkRecordSchema } from "#gen/writ/store/v1/jwk_record_pb.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import type { EpochMillis } from "#lib/time.ts";
import { describeEngines } from "../harness/engines.ts";

const ISSUER = 1;
const NOW = 1_800_000_000_000 as EpochMillis;
const random = pooledRandom();
let serial = 0;
const name = (prefix = "x") => `${prefix}-${process.pid}-${++serial}`;
const record = (clientId: string, more: { owner?: string; clientName?: string } = {}) => create(ClientRecordSchema, { client: { clientId, ...more } });
const put = (db: Db, clientId: string, more = {}) => insertClient(db, ISSUER, { record: record(clientId, more), incarnation: random(8), now: NOW });
const jwk = (set: string, kid: string, createdAt = 1) => ({
  set,
  kid,
  record: create(JwkRecordSchema, { publicKey: { kid }, sealedKey: "sealed" }),
  sealKeyId: Uint8Array.of(1, 2, 3, 4),
  createdAt: createdAt as EpochMillis,
  activatesAt: createdAt as EpochMillis,
});

describeEngines("DESIGN storage: clients", (engine) => {
  test("a client is inserted once, read back whole, and gone once it is deleted", async () => {
    const { db } = engine();
    const id = name();
    assert.equal((await put(db, id, { owner: "me" })).kind, "inserted");
    assert.equal((await put(db, id)).kind, "exists");
    const client = await getClient(db, ISSUER, id);
    assert.deepEqual([client?.record.client.owner, client?.tokenEpoch, client?.rowVersion, client?.incarnation.length], ["me", 0, 1, 8]);
    assert.equal(await getClient(db, 2, id), undefined, "another issuer has clients of its own");
    assert.equal((await deleteClient(db, ISSUER, id)).kind, "deleted");
    assert.equal((await deleteClient(db, ISSUER, id)).kind, "missing");
    assert.equal(await getClient(db, ISSUER, id), undefined);
  });

  test("identifiers compare as bytes: case, trailing spaces, accents and emoji make other clients", async () => {
    const { db } = engine();
    const base = name("Alice");
    const ids = [base, base.toLowerCase(), `${base} `, `${base}\u00e9`, `${base}e\u0301`, `${base}\u{1F511}`, `${base}%`, `${base}_`];
    for (const id of ids) assert.equal((await put(db, id)).kind, "inserted", JSON.stringify(id));
    for (const id of ids) assert.equal((await getClient(db, ISSUER, id))?.record.client.clientId, id);
    assert.deepEqual(
      (await listClients(db, ISSUER, { after: "", limit: 500 })).map(({ record: { client } }) => client.clientId).filter((id) => ids.includes(id)),
      ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
  });

  test("an identifier that is too long is found by no look-up", async () => {
    assert.equal(await getClient(engine().db, ISSUER, "x".repeat(100_000)), undefined);
  });

  test("of 20 concurrent updates of one version exactly one wins; the next version can be updated", async () => {
    const { db, open } = engine();
    const other = await open();
    const id = name();
    await put(db, id);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => updateClient(i % 2 === 0 ? db : other, ISSUER, id, { record: record(id, { owner: `o${i}` }), rowVersion: 1, now: NOW })),
    );
    assert.deepEqual(outcomes.map(({ kind }) => kind).toSorted(), [...Array.from({ length: 19 }, () => "changed"), "updated"]);
    assert.equal((await updateClient(db, ISSUER, id, { record: record(id), rowVersion: 2, now: NOW })).kind, "updated");
    assert.equal((await updateClient(db, ISSUER, name("nobody"), { record: record("x"), rowVersion: 1, now: NOW })).kind, "missing");
  });

  test("lists by owner and name, page by page", async () => {
    const { db } = engine();
    const owner = name("owner");
    for (let i = 0; i < 5; i++) await put(db, `${owner}-${i}`, { owner, clientName: i < 2 ? "first" : "other" });
    const ids = (filter: { after: string; limit: number; owner?: string; clientName?: string }) =>
      listClients(db, ISSUER, filter).then((found) => found.map((each) => each.record.client.clientId));
    assert.deepEqual(await ids({ after: "", limit: 2, owner }), [`${owner}-0`, `${owner}-1`]);
    assert.deepEqual(
      await ids({ after: `${owner}-1`, limit: 10, owner }),
      [2, 3, 4].map((i) => `${owner}-${i}`),
    );
    assert.deepEqual(await ids({ after: "", limit: 10, owner, clientName: "first" }), [`${owner}-0`, `${owner}-1`]);
  });

  test("a change by another process is seen by the next read", async () => {
    const { db, open } = engine();
    const other = await open();
    const id = name();
    await put(db, id);
    await getClient(other, ISSUER, id);
    await readTokenState(other, ISSUER, { clientId: id, rowless: undefined, subject: undefined });
    await updateClient(db, ISSUER, id, { record: record(id, { owner: "changed" }), rowVersion: 1, now: NOW });
    assert.equal((await getClient(other, ISSUER, id))?.record.client.owner, "changed");
    await endAccessTokens(db, ISSUER, id);
    assert.equal((await readTokenState(other, ISSUER, { clientId: id, rowless: undefined, subject: undefined })).client?.tokenEpoch, 1);
    await deleteClient(db, ISSUER, id);
    assert.equal(await getClient(other, ISSUER, id), undefined);
  });
});

describeEngines("DESIGN state: epochs and revocations", (engine) => {
  test("each of 40 concurrent bumps by two processes counts, on rows that were not there before", async () => {
    const { db, open } = engine();
    const other = await open();
    const subject = name("subject");
    const grant = await Promise.all(Array.from({ length: 40 }, (_, i) => bumpGrantEpoch(i % 2 === 0 ? db : other, ISSUER, subject)));
    assert.equal(Math.max(...grant), 40);
    assert.equal(new Set(grant).size, 40);
    assert.equal(await bumpSessionEpoch(db, ISSUER, subject), 1);
    assert.equal((await readTokenState(db, ISSUER, { clientId: "x", rowless: undefined, subject })).grantEpoch, 40);
    const id = name();
    await put(db, id);
    const epochs = await Promise.all(Array.from({ length: 20 }, (_, i) => endAccessTokens(i % 2 === 0 ? db : other, ISSUER, id)));
    assert.equal(new Set(epochs.map((each) => each.kind === "ended" && each.tokenEpoch)).size, 20);
    assert.equal((await endAccessTokens(db, ISSUER, name("nobody"))).kind, "missing");
  });

  test("a token's state is exact in one statement, and none on SQLite when it is known", async () => {
    const { open, engine: kind } = engine();
    const statements: string[] = [];
    const db = await open(({ sql }) => statements.push(sql));
    const id = name();
    await put(db, id);
    statements.length = 0;
    const query = { clientId: id, rowless: random(16), subject: name("subject") };
    const before = await readTokenState(db, ISSUER, query);
    assert.deepEqual([before.revoked, before.grantEpoch, before.client?.tokenEpoch, statements.length], [false, 0, 0, 1]);
    await readTokenState(db, ISSUER, query);
    assert.equal(statements.length, kind === "sqlite" ? 1 : 2);
    await revokeRowlessToken(db, ISSUER, query.rowless, NOW);
    await bumpGrantEpoch(db, ISSUER, query.subject);
    assert.deepEqual(await readTokenState(db, ISSUER, query).then(({ revoked, grantEpoch }) => [revoked, grantEpoch]), [true, 1]);
    assert.equal((await readTokenState(db, ISSUER, { clientId: name("nobody"), rowless: undefined, subject: undefined })).client, undefined);
  });

  test("hundreds of states are read in few statements, in the order that was asked", async () => {
    const { open } = engine();
    const statements: string[] = [];
    const db = await open(({ sql }) => statements.push(sql));
    const id = name();
    await put(db, id);
    const tokens = Array.from({ length: 600 }, () => random(16));
    for (let i = 0; i < 600; i += 3) await revokeRowlessToken(db, ISSUER, tokens[i] ?? assert.fail(), NOW);
    statements.length = 0;
    const states = await readTokenStates(
      db,
      ISSUER,
      tokens.map((rowless) => ({ clientId: id, rowless, subject: undefined })),
    );
    assert.deepEqual(
      states.map(({ revoked }) => revoked),
      tokens.map((_, i) => i % 3 === 0),
    );
    assert.ok(statements.length <= 3, String(statements.length));
  });

  test("concurrent strict reads share statements, and each sees what was committed before it was made", async () => {
    const { db: writer, open, engine: kind } = engine();
    const statements: string[] = [];
    const reader = await open(({ sql }) => statements.push(sql));
    const id = name();
    await put(writer, id);
    for (let round = 1; round <= 5; round++) {
      await endAccessTokens(writer, ISSUER, id);
      statements.length = 0;
      const states = await Promise.all(Array.from({ length: 100 }, () => readTokenState(reader, ISSUER, { clientId: id, rowless: random(16), subject: undefined })));
      assert.ok(states.every(({ client }) => client?.tokenEpoch === round));
      if (kind === "mysql") assert.ok(statements.length <= 4, String(statements.length));
      await Promise.all(Array.from({ length: 50 }, () => getClient(reader, ISSUER, id)));
    }
  });

  test("revoking a token twice makes one event; every event is listed once, in order, from any point on", async () => {
    const { db } = engine();
    const since = await databaseTime(db);
    const tokens = Array.from({ length: 50 }, () => random(16));
    await Promise.all([...tokens, ...tokens].map((token) => revokeRowlessToken(db, ISSUER, token, NOW)));
    const events = await listRevocationEvents(db, ISSUER, { since, limit: 1000 });
    const ours = events.filter(({ record: { target } }) => target.case === "token" && tokens.some((token) => Buffer.compare(token, target.value) === 0));
    assert.equal(ours.length, 50);
    assert.deepEqual(
      events.map(({ at }) => at),
      events.map(({ at }) => at).toSorted((a, b) => a - b),
    );
    const paged = [];
    for (let page = await listRevocationEvents(db, ISSUER, { since, limit: 7 }); page.length > 0; ) {
      paged.push(...page);
      const last = page.at(-1) ?? assert.fail();
      page = await listRevocationEvents(db, ISSUER, { since, after: { at: last.at, id: last.id }, limit: 7 });
    }
    assert.deepEqual(paged, events);
  });

  test("of 200 concurrent uses of one assertion one succeeds, and its own retry; other kinds and issuers are apart", async () => {
    const { db, open } = engine();
    const other = await open();
    const assertion = { kind: "client", assertionIssuer: name(), jti: "j".repeat(5000), expiresAt: NOW };
    const attempts = Array.from({ length: 200 }, () => random(16));
    const uses = await Promise.all(attempts.map((attempt, i) => useAssertionJti(i % 2 === 0 ? db : other, ISSUER, { ...assertion, attempt })));
    assert.equal(uses.filter(({ kind }) => kind === "used").length, 1);
    const winner = attempts[uses.findIndex(({ kind }) => kind === "used")] ?? assert.fail();
    assert.equal((await useAssertionJti(db, ISSUER, { ...assertion, attempt: winner })).kind, "used");
    assert.equal((await useAssertionJti(db, ISSUER, { ...assertion, kind: "grant", attempt: random(16) })).kind, "used");
    assert.equal((await useAssertionJti(db, ISSUER, { ...assertion, assertionIssuer: name(), attempt: random(16) })).kind, "used");
  });

  test("the janitor frees what has expired and nothing else, and moves the horizon with the events", async () => {
    const { db } = engine();
    const [old, young] = [random(16), random(16)];
    await revokeRowlessToken(db, ISSUER, old, 1000 as EpochMillis);
    await revokeRowlessToken(db, ISSUER, young, (NOW + 1) as EpochMillis);
    const now = await databaseTime(db);
    const last = (await listRevocationEvents(db, ISSUER, { since: 0 as EpochMillis, limit: 10_000 })).at(-1)?.at ?? assert.fail();
    const freed = await deleteExpired(db, ISSUER, { now: NOW, eventsBefore: (now + 1000_000) as EpochMillis, limit: 10_000 });
    assert.ok((freed.revoked_tokens ?? 0) >= 1);
    assert.equal(await revocationHorizon(db, ISSUER), last + 1, "just past the last event that went");
    assert.deepEqual(await listRevocationEvents(db, ISSUER, { since: 0 as EpochMillis, limit: 10 }), []);
    const reader = await engine().open();
    assert.equal((await readTokenState(reader, ISSUER, { clientId: "x", rowless: young, subject: undefined })).revoked, true);
    assert.equal((await readTokenState(reader, ISSUER, { clientId: "x", rowless: old, subject: undefined })).revoked, false);
  });
});

describeEngines("DESIGN storage: sets of keys", (engine) => {
  test("of 8 first keys made at once by two processes one is there", async () => {
    const { db, open } = engine();
    const other = await open();
    const set = name("set");
    await Promise.all(Array.from({ length: 8 }, (_, i) => insertFirstJwk(i % 2 === 0 ? db : other, ISSUER, "ES256", jwk(set, `k${i}`))));
    assert.equal((await listJwks(db, ISSUER, set)).length, 1);
    await insertFirstJwk(db, ISSUER, "RS256", jwk(set, "rs"));
    assert.equal((await listJwks(db, ISSUER, set)).length, 2);
    await deleteJwks(db, ISSUER, set, undefined);
    await insertFirstJwk(db, ISSUER, "ES256", jwk(set, "again"));
    assert.deepEqual(
      (await listJwks(db, ISSUER, set)).map(({ kid }) => kid),
      ["again"],
    );
  });

  test("keys are listed newest first, replaced by kid or as a set, deleted one by one, and resealed only as they were read", async () => {
    const { db } = engine();
    const set = name("set");
    for (const [kid, at] of [
      ["a", 1],
      ["b", 2],
    ] as const)
      assert.equal((await insertJwk(db, ISSUER, jwk(set, kid, at))).kind, "inserted");
    assert.equal((await insertJwk(db, ISSUER, jwk(set, "a"))).kind, "exists");
    assert.deepEqual(
      (await listJwks(db, ISSUER, set)).map(({ kid }) => kid),
      ["b", "a"],
    );
    const [before] = await listJwks(db, ISSUER, set);
    assert.ok(before !== undefined);
    const after = { ...before, sealKeyId: Uint8Array.of(9, 9, 9, 9), record: create(JwkRecordSchema, { publicKey: { kid: "b" }, sealedKey: "resealed" }) };
    assert.equal((await resealJwk(db, ISSUER, before, after)).kind, "resealed");
    assert.equal((await resealJwk(db, ISSUER, before, after)).kind, "changed");
    assert.ok((await listSealKeyIds(db)).some((id) => Buffer.compare(id, Uint8Array.of(9, 9, 9, 9)) === 0));
    await putJwk(db, ISSUER, { ...jwk(set, "b", 2), record: create(JwkRecordSchema, { sealedKey: "put" }) });
    assert.equal((await listJwks(db, ISSUER, set))[0]?.record.sealedKey, "put");
    await replaceJwkSet(db, ISSUER, set, [jwk(set, "c", 3), jwk(set, "c", 4)]);
    assert.deepEqual(
      (await listJwks(db, ISSUER, set)).map(({ kid }) => kid),
      ["c"],
    );
    await deleteJwks(db, ISSUER, set, "c");
    await deleteJwks(db, ISSUER, set, "c");
    assert.deepEqual(await listJwks(db, ISSUER, set), []);
  });
});

test("DESIGN storage: a DSN may have Go's form or a URL's, a socket, Hydra's parameters; what is wrong is said without the password", async () => {
  const mysql = (dsn: string) => {
    const parsed = parseDsn(dsn);
    return parsed.kind === "mysql" ? parsed.options : assert.fail();
  };
  assert.deepEqual(parseDsn("memory"), { kind: "memory" });
  assert.deepEqual(parseDsn("sqlite://data/x.sqlite?_fk=true&mode=rwc"), { kind: "sqlite", file: "data/x.sqlite" });
  assert.deepEqual(parseDsn("sqlite:///var/x.sqlite"), { kind: "sqlite", file: "/var/x.sqlite" });
  assert.deepEqual(mysql("mysql://u:p@tcp(db.example:3307)/writ?max_conns=20&parseTime=true"), {
    user: "u",
    password: "p",
    database: "writ",
    connectionLimit: 20,
    host: "db.example",
    port: 3307,
  });
  assert.deepEqual(mysql("mysql://u:p%40:x@db.example/writ"), { user: "u", password: "p@:x", database: "writ", connectionLimit: 16, host: "db.example", port: 3306 });
  assert.deepEqual(mysql("mysql://u:p@ss@[::1]:3306/writ"), { user: "u", password: "p@ss", database: "writ", connectionLimit: 16, host: "::1", port: 3306 });
  assert.deepEqual(mysql("mysql://u:p@h/db?tls=true").ssl, {});
  assert.deepEqual(mysql("mysql://u:p@h/db?tls=skip-verify").ssl, { rejectUnauthorized: false });
  assert.equal(mysql("mysql://u:p@h/db?tls=false").ssl, undefined);
  assert.equal(mysql("mysql://u:p@unix(/run/mysqld.sock)/writ").socketPath, "/run/mysqld.sock");
  for (const dsn of [
    "hunter22",
    "u:hunter22@tcp(h:1)/db",
    "mysql://u:hunter22@h/db?tls=preferred",
    "postgres://u:hunter22@h/db",
    "mysql://u:hunter22@h:3306",
    "mysql://u:hunter22@tcp(h:x)/db",
    "sqlite://",
    "",
    "mysql://u:hunter22@h/db?max_conns=0",
  ])
    assert.throws(
      () => parseDsn(dsn),
      (error: Error) => error.message.startsWith("dsn") && !error.message.includes("hunter22"),
      dsn,
    );
  await assert.rejects(openDb({ dsn: "mysql://u:hunter22@127.0.0.1:1/writ", log: silentLog }), (error: Error) => !error.message.includes("hunter22"));
});
