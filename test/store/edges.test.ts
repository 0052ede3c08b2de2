import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { deleteClient, endAccessTokens, getClient, insertClient, listClients, updateClient } from "#core/store/clients.ts";
import { closeDb, type Db, openDb, pingDb } from "#core/store/db.ts";
import { deleteExpired } from "#core/store/janitor.ts";
import { insertFirstJwk, insertJwk, listJwks, listSealedJwks, putJwk, replaceJwkSet } from "#core/store/jwks.ts";
import { migrateUp } from "#core/store/migrate.ts";
import { bumpGrantEpoch, bumpSessionEpoch } from "#core/store/subjects.ts";
import { readTokenState } from "#core/store/token-states.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { JwkRecordSchema } from "#gen/writ/store/v1/jwk_record_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import type { EpochMillis } from "#lib/time.ts";
import { describeEngines } from "../harness/engines.ts";

const NOW = 1_800_000_000_000 as EpochMillis;
const random = pooledRandom();
const record = (clientId: string, more = {}) => create(ClientRecordSchema, { client: { clientId, ...more } });
const put = (db: Db, clientId: string, more = {}) => insertClient(db, 1, { record: record(clientId, more), incarnation: random(8), now: NOW });
const refused = (error: unknown): boolean => error instanceof OAuthError && error.code === "invalid_request";
const jwk = (set: string, kid: string, at = 1) => ({
  set,
  kid,
  record: create(JwkRecordSchema, { publicKey: { kid } }),
  sealKeyId: undefined,
  createdAt: at as EpochMillis,
  activatesAt: at as EpochMillis,
});

describeEngines("DESIGN storage: identifiers", (engine) => {
  test("one of exactly 255 bytes is kept whole; one of 256 is refused when it is written, and cut nowhere", async () => {
    const { db } = engine();
    for (const [fits, tooLong] of [
      ["x".repeat(255), "x".repeat(256)],
      [`${"\u{1F511}".repeat(63)}abc`, "\u{1F511}".repeat(64)],
    ] as const) {
      assert.equal((await put(db, fits)).kind, "inserted");
      assert.equal((await getClient(db, 1, fits))?.record.client.clientId, fits);
      await assert.rejects(put(db, tooLong), refused);
      assert.equal(await getClient(db, 1, tooLong), undefined);
      assert.equal((await deleteClient(db, 1, tooLong)).kind, "missing");
      assert.equal((await endAccessTokens(db, 1, tooLong)).kind, "missing");
      assert.equal((await updateClient(db, 1, tooLong, { record: record(tooLong), rowVersion: 1, now: NOW })).kind, "missing");
      assert.equal(await bumpGrantEpoch(db, 1, fits), 1);
      await assert.rejects(bumpGrantEpoch(db, 1, tooLong), refused);
      await assert.rejects(bumpSessionEpoch(db, 1, tooLong), refused);
      assert.equal((await readTokenState(db, 1, { clientId: tooLong, rowless: undefined, subject: tooLong })).grantEpoch, 0);
      await assert.rejects(insertJwk(db, 1, jwk(fits, tooLong)), refused);
    }
    await assert.rejects(put(db, "owned", { owner: "o".repeat(256) }), refused);
    assert.equal(await getClient(db, 1, "owned"), undefined);
  });

  test("subjects compare as bytes", async () => {
    const { db } = engine();
    for (const subject of ["Bob", "bob", "bob ", "b\u00f6b", "bo\u0308b", ""]) assert.equal(await bumpGrantEpoch(db, 1, subject), 1, JSON.stringify(subject));
    assert.equal((await readTokenState(db, 1, { clientId: "x", rowless: undefined, subject: "BOB" })).grantEpoch, 0);
  });

  test("what looks like SQL is text", async () => {
    const { db } = engine();
    const id = `'"\`;\\ DROP TABLE clients; -- \u0000 %_?`;
    assert.equal((await put(db, id, { owner: id, clientName: id })).kind, "inserted");
    assert.equal((await getClient(db, 1, id))?.record.client.owner, id);
    assert.equal((await listClients(db, 1, { after: "", limit: 5, owner: id, clientName: id })).length, 1);
  });
});

describeEngines("DESIGN state: clients that were deleted and made again", (engine) => {
  test("a client made again under its old name is another one, also to a reader that knew the first", async () => {
    const { db, open } = engine();
    const reader = await open();
    const query = { clientId: "again", rowless: undefined, subject: undefined };
    await put(db, "again");
    await endAccessTokens(db, 1, "again");
    const first = await readTokenState(reader, 1, query);
    await deleteClient(db, 1, "again");
    assert.equal((await readTokenState(reader, 1, query)).client, undefined);
    await put(db, "again");
    const second = await readTokenState(reader, 1, query);
    assert.equal(first.client?.tokenEpoch, 1);
    assert.equal(second.client?.tokenEpoch, 0);
    assert.notDeepEqual(second.client?.incarnation, first.client?.incarnation);
  });

  test("a row that cannot be read fails those who ask for it, and not those who ask beside them", async () => {
    const { db } = engine();
    await put(db, "sound");
    await put(db, "corrupt");
    await db.driver.write(function* () {
      yield { kind: "run", sql: "UPDATE clients SET document = ? WHERE client_id = ?", params: [toBinary(ClientRecordSchema, record("somebody-else")), "corrupt"] };
    });
    const outcomes = await Promise.allSettled(["sound", "corrupt", "nobody", "sound"].map((id) => getClient(db, 1, id)));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled", "fulfilled"],
    );
  });
});

describeEngines("DESIGN storage: keys", (engine) => {
  test("after a set was replaced a first key may be made for an algorithm that it lacks; a key that is put again is replaced whole", async () => {
    const { db } = engine();
    await insertFirstJwk(db, 1, "ES256", jwk("s", "es"));
    await insertFirstJwk(db, 1, "ES256", jwk("s", "es2"));
    await replaceJwkSet(db, 1, "s", [jwk("s", "rs")]);
    await insertFirstJwk(db, 1, "ES256", jwk("s", "es3", 2));
    assert.deepEqual(
      (await listJwks(db, 1, "s")).map(({ kid }) => kid),
      ["es3", "rs"],
    );
    await putJwk(db, 1, { ...jwk("s", "rs", 3), sealKeyId: Uint8Array.of(1, 2, 3, 4) });
    assert.deepEqual(
      (await listJwks(db, 1, "s")).map(({ kid, createdAt, sealKeyId }) => [kid, createdAt, sealKeyId?.length]),
      [
        ["rs", 3, 4],
        ["es3", 2, undefined],
      ],
    );
    assert.deepEqual(
      (await listSealedJwks(db, 1)).map(({ kid }) => kid),
      ["rs"],
    );
    assert.deepEqual(await listJwks(db, 2, "s"), []);
  });
});

describeEngines("DESIGN state: the janitor", (engine) => {
  test("expired rows of every table go, with what belongs to them; the limit holds; others and other issuers stay", async () => {
    const { db } = engine();
    const bytes = (n: number, length = 16) => new Uint8Array(length).fill(n);
    await db.driver.write(function* () {
      for (const [n, expires] of [
        [1, 10],
        [2, 20],
        [3, NOW],
      ] as const) {
        yield {
          kind: "run",
          sql: "INSERT INTO sessions (issuer, id, birth, subject, session_epoch, authenticated_at, remember, expires_at, row_version, document) VALUES (1, ?, ?, 's', 0, 0, 0, ?, 1, ?)",
          params: [bytes(n), bytes(n, 8), expires, bytes(0, 1)],
        };
        yield { kind: "run", sql: "INSERT INTO session_clients (issuer, session_id, client_id, client_incarnation) VALUES (1, ?, 'c', ?)", params: [bytes(n), bytes(n, 8)] };
        yield { kind: "run", sql: "INSERT INTO decisions (issuer, id, expires_at, document) VALUES (?, ?, ?, ?)", params: [n === 2 ? 2 : 1, bytes(n), expires, bytes(0, 1)] };
        yield {
          kind: "run",
          sql: "INSERT INTO trusted_issuers (issuer, iss_hash, subject_hash, kid, id, expires_at, document) VALUES (1, ?, ?, 'k', ?, ?, ?)",
          params: [bytes(n, 32), bytes(n, 32), bytes(n), expires, bytes(0, 1)],
        };
        yield {
          kind: "run",
          sql: "INSERT INTO device_codes (issuer, user_code_hash, birth, state, poll_interval, expires_at, document) VALUES (1, ?, ?, 'pending', 5, ?, ?)",
          params: [bytes(n, 32), bytes(n, 8), expires, bytes(0, 1)],
        };
        yield {
          kind: "run",
          sql: "INSERT INTO grants (issuer, id, birth, state, client_id, client_incarnation, subject, decision, grant_epoch, session_epoch, consent_epoch, generation, created_at, expires_at, row_version, document) VALUES (1, ?, ?, 'ended', 'c', ?, 's', ?, 0, 0, 0, 0, 0, ?, 1, ?)",
          params: [bytes(n), bytes(n, 8), bytes(n, 8), bytes(n), expires, bytes(0, 1)],
        };
      }
    });
    const sweep = (limit: number) => deleteExpired(db, 1, { now: 1000 as EpochMillis, eventsBefore: 0 as EpochMillis, limit });
    const rest = {
      revoked_tokens: 0,
      assertion_jtis: 0,
      logout_outbox: 0,
      device_codes: 1,
      sessions: 1,
      trusted_issuers: 1,
      grants: 1,
      consents: 0,
      revocation_events: 0,
    };
    assert.deepEqual(await sweep(1), { ...rest, decisions: 1 });
    assert.deepEqual(await sweep(100), { ...rest, decisions: 0 });
    for (const [table, left] of [
      ["sessions", 1],
      ["session_clients", 1],
      ["decisions", 2],
      ["trusted_issuers", 1],
      ["device_codes", 1],
      ["grants", 1],
    ] as const)
      assert.equal(Number((await db.driver.read(`SELECT COUNT(*) FROM ${table}`, []))[0]?.[0]), left, table);
  });
});

test("DESIGN storage: a database in memory answers, and keeps nothing", async () => {
  const db = await openDb({ dsn: "memory", log: silentLog });
  await migrateUp(db);
  await pingDb(db);
  await put(db, "c");
  assert.equal((await getClient(db, 1, "c"))?.record.client.clientId, "c");
  assert.equal((await getClient(db, 1, "c"))?.rowVersion, 1);
  await deleteClient(db, 1, "c");
  assert.equal(await getClient(db, 1, "c"), undefined);
  await closeDb(db);
});

test("DESIGN storage: a file is made with its folders, for its owner alone; writes under way are finished before it closes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "writ-file-"));
  try {
    const dsn = `sqlite://${join(folder, "a", "b", "writ.sqlite")}?_fk=true`;
    const db = await openDb({ dsn, log: silentLog });
    await migrateUp(db);
    const writes = Array.from({ length: 50 }, (_, i) => put(db, `c${i}`));
    await closeDb(db);
    assert.ok((await Promise.all(writes)).every(({ kind }) => kind === "inserted"));
    assert.equal(statSync(join(folder, "a", "b", "writ.sqlite")).mode & 0o777, 0o600);
    const again = await openDb({ dsn, log: silentLog });
    assert.equal((await listClients(again, 1, { after: "", limit: 100 })).length, 50);
    await closeDb(again);
    await assert.rejects(put(again, "late"), (error: unknown) => error instanceof OAuthError && error.code === "temporarily_unavailable");
    await assert.rejects(async () => getClient(again, 1, "late"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
