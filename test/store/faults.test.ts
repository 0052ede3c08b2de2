import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { useAssertionJti } from "#core/store/assertion-jtis.ts";
import { endAccessTokens, getClient, insertClient } from "#core/store/clients.ts";
import { closeDb, type Db, openDb } from "#core/store/db.ts";
import { migrateUp } from "#core/store/migrate.ts";
import { listRevocationEvents, revokeRowlessToken } from "#core/store/revocations.ts";
import { readTokenState } from "#core/store/token-states.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import type { EpochMillis } from "#lib/time.ts";
import { freshMysqlDsn, hasMariadb } from "../harness/mariadb.ts";
import { startProxy } from "../harness/proxy.ts";

const random = pooledRandom();
const NOW = 1_800_000_000_000 as EpochMillis;
const put = (db: Db, clientId: string, policyUri = "") =>
  insertClient(db, 1, { record: create(ClientRecordSchema, { client: { clientId, policyUri } }), incarnation: random(8), now: NOW });
const isUnknown = (error: unknown): boolean => error instanceof OAuthError && error.code === "temporarily_unavailable";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "writ-faults-"));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes what room is left. */
function fillDisk(file: string): void {
  const chunk = Buffer.alloc(4096);
  try {
    for (;;) appendFileSync(file, chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

test("DESIGN storage: 32 writes under way when the disk is full: none is acknowledged, none is there afterwards, and the store goes on once there is room", async (t) => {
  await withFolder(async (folder) => {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "pipe" });
    } catch {
      t.skip("a small file system cannot be mounted here");
      return;
    }
    try {
      const db = await openDb({ dsn: `sqlite://${join(folder, "writ.sqlite")}`, log: silentLog });
      await migrateUp(db);
      await put(db, "before");
      fillDisk(join(folder, "ballast"));
      const outcomes = await Promise.allSettled(Array.from({ length: 32 }, (_, i) => put(db, `full-${i}`, "x".repeat(20_000))));
      assert.ok(
        outcomes.every((each) => each.status === "rejected" && isUnknown(each.reason)),
        JSON.stringify(outcomes.map(({ status }) => status)),
      );
      rmSync(join(folder, "ballast"));
      for (let i = 0; i < 32; i++) assert.equal(await getClient(db, 1, `full-${i}`), undefined);
      assert.equal((await getClient(db, 1, "before"))?.record.client.clientId, "before");
      assert.equal((await put(db, "after")).kind, "inserted");
      await closeDb(db);
    } finally {
      execFileSync("umount", ["-l", folder]);
    }
  });
});

test("DESIGN storage: a COMMIT that fails with 32 writes under way acknowledges none of them, and a write that fails alone takes nobody with it", async () => {
  await withFolder(async (folder) => {
    const db = await openDb({ dsn: `sqlite://${join(folder, "writ.sqlite")}`, log: silentLog });
    await migrateUp(db);
    // A deferred foreign key is checked by COMMIT and by nothing before.
    await db.driver.migrate(function* () {
      yield { kind: "run", sql: "CREATE TABLE parents (id INTEGER PRIMARY KEY)", params: [] };
      yield { kind: "run", sql: "CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)", params: [] };
    });
    const orphan = () =>
      db.driver.write(function* () {
        yield { kind: "run", sql: "INSERT INTO children (parent) VALUES (1)", params: [] };
      });
    const outcomes = await Promise.allSettled([...Array.from({ length: 31 }, (_, i) => put(db, `c-${i}`)), orphan()]);
    assert.ok(outcomes.every((each) => each.status === "rejected" && isUnknown(each.reason)));
    for (let i = 0; i < 31; i++) assert.equal(await getClient(db, 1, `c-${i}`), undefined);

    const broken = () =>
      db.driver.write(function* () {
        yield { kind: "run", sql: "INSERT INTO parents (id) VALUES (7)", params: [] };
        yield { kind: "run", sql: "INSERT INTO no_such_table VALUES (1)", params: [] };
      });
    const mixed = await Promise.allSettled([...Array.from({ length: 15 }, (_, i) => put(db, `m-${i}`)), broken(), ...Array.from({ length: 16 }, (_, i) => put(db, `n-${i}`))]);
    assert.equal(mixed.filter(({ status }) => status === "fulfilled").length, 31);
    assert.equal((await db.driver.read("SELECT COUNT(*) FROM parents", []))[0]?.[0], 0, "what the failing write had done is taken back");
    await closeDb(db);
  });
});

test("DESIGN storage: a write waits for another process's lock without holding up the event loop, and reads go on", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "writ.sqlite");
    const db = await openDb({ dsn: `sqlite://${file}`, log: silentLog });
    await migrateUp(db);
    await put(db, "there");
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    let done = false;
    const write = put(db, "waits").then((outcome) => {
      done = true;
      return outcome;
    });
    let longest = 0;
    for (let i = 0; i < 30; i++) {
      const at = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 10));
      longest = Math.max(longest, performance.now() - at - 10);
      assert.equal((await getClient(db, 1, "there"))?.rowVersion, 1);
    }
    assert.equal(done, false);
    assert.ok(longest < 250, `the event loop stood still for ${longest} ms`);
    other.exec("COMMIT");
    other.close();
    assert.equal((await write).kind, "inserted");
    await closeDb(db);
  });
});

test("DESIGN storage: one fsync serves the writes of one turn, and each is durable when it is acknowledged", async () => {
  await withFolder(async (folder) => {
    const file = join(folder, "writ.sqlite");
    const db = await openDb({ dsn: `sqlite://${file}`, log: silentLog });
    await migrateUp(db);
    const other = new DatabaseSync(file, { readOnly: true });
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const token = random(16);
        await revokeRowlessToken(db, 1, token, NOW);
        assert.ok(other.prepare("SELECT 1 FROM revoked_tokens WHERE token_id = ?").get(token) !== undefined);
      }),
    );
    other.close();
    await closeDb(db);
  });
});

test("DESIGN state: a connection cut between COMMIT and its acknowledgement is an unknown outcome; a connection cut before it is tried again", {
  skip: !hasMariadb(),
}, async () => {
  const dsn = await freshMysqlDsn();
  const port = Number(/:(\d+)\)/.exec(dsn)?.[1]);
  const proxy = await startProxy(port);
  const db = await openDb({ dsn: dsn.replace(String(port), String(proxy.port)), log: silentLog });
  const direct = await openDb({ dsn, log: silentLog });
  try {
    await migrateUp(direct);
    const [lost, retried] = [random(16), random(16)];
    await put(direct, "client");
    const revoked = (rowless: Uint8Array) => readTokenState(direct, 1, { clientId: "client", rowless, subject: undefined }).then((state) => state.revoked);

    let cuts = 0;
    proxy.watch((data, cut) => {
      if (cuts === 0 && data.toString("latin1").endsWith("COMMIT")) {
        cuts++;
        cut();
      }
    });
    await assert.rejects(endAccessTokens(db, 1, "client"), isUnknown);
    assert.equal(
      (await readTokenState(direct, 1, { clientId: "client", rowless: undefined, subject: undefined })).client?.tokenEpoch,
      1,
      "it was written, though nobody could tell",
    );

    cuts = 0;
    await revokeRowlessToken(db, 1, lost, NOW);
    assert.deepEqual([cuts, await revoked(lost)], [1, true], "what may be repeated is, and comes to the same");
    assert.equal((await listRevocationEvents(direct, 1, { since: 0 as EpochMillis, limit: 10 })).filter(({ record: { target } }) => target.case === "token").length, 1);

    cuts = 0;
    const assertion = { kind: "client", assertionIssuer: "i", jti: "j", expiresAt: NOW, attempt: random(16) };
    assert.deepEqual([await useAssertionJti(db, 1, assertion), cuts], [{ kind: "used" }, 1], "an attempt knows itself again");
    cuts = 0;
    assert.deepEqual([(await put(db, "made")).kind, cuts], ["inserted", 1]);

    proxy.watch((data, cut) => {
      if (cuts === 1 && data.includes("START TRANSACTION")) {
        cuts++;
        cut();
      }
    });
    await revokeRowlessToken(db, 1, retried, NOW);
    assert.deepEqual([cuts, await revoked(retried)], [2, true]);
  } finally {
    await closeDb(db);
    await closeDb(direct);
    proxy.close();
  }
});
