import assert from "node:assert/strict";
import { test } from "node:test";
import { closeDb, type Db, openDb } from "#core/store/db.ts";
import { migrateDown, migrateUp, migrationStatus, requireSchema } from "#core/store/migrate.ts";
import { createTables } from "#core/store/schema/ddl.ts";
import { bumpGrantEpoch } from "#core/store/subjects.ts";
import { silentLog } from "#lib/events.ts";
import { describeEngines } from "../harness/engines.ts";
import { freshMysqlDsn } from "../harness/mariadb.ts";

/** What the database says of its tables, columns, keys and checks. */
const CATALOGUE = {
  sqlite: [
    "SELECT m.name, x.name, x.type, x.\"notnull\", x.pk FROM sqlite_master m, pragma_table_xinfo(m.name) x WHERE m.type = 'table' AND m.name <> 'schema_migrations' ORDER BY 1, x.cid",
    "SELECT m.name, l.name, i.seqno, i.name FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_info(l.name) i WHERE m.type = 'table' AND m.name <> 'schema_migrations' ORDER BY 1, 2, 3",
    "SELECT name, strict, wr FROM pragma_table_list WHERE type = 'table' AND schema = 'main' AND name NOT LIKE 'sqlite_%' AND name <> 'schema_migrations' ORDER BY 1",
  ],
  mysql: [
    "SELECT table_name, ordinal_position, column_name, column_type, is_nullable, character_set_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations' ORDER BY 1, 2",
    "SELECT table_name, index_name, seq_in_index, column_name, non_unique FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations' ORDER BY 1, 2, 3",
    "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations' ORDER BY 1",
  ],
} as const;

async function catalogue(db: Db): Promise<string[]> {
  const found = [];
  for (const sql of CATALOGUE[db.engine]) found.push(...(await db.driver.read(sql, [])).map((row) => row.map(String).join(" ")));
  if (db.engine === "sqlite") {
    const scripts = await db.driver.read("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'schema_migrations' ORDER BY 1", []);
    for (const [name, sql] of scripts) found.push(...[...String(sql).matchAll(/CHECK \(.*?\) <= \d+\)/g)].map(([check]) => `${name} ${check}`).toSorted());
  }
  return found;
}

describeEngines("DESIGN storage: migrations", (engine) => {
  test("the scripts make what the schema describes", async () => {
    const { db, engine: kind } = engine();
    const reference = await openDb({ dsn: kind === "sqlite" ? "memory" : await freshMysqlDsn(), log: silentLog });
    try {
      await reference.driver.migrate(function* () {
        for (const sql of createTables(kind)) yield { kind: "run", sql, params: [] };
      });
      const described = await catalogue(reference);
      assert.ok(described.length > 80);
      assert.deepEqual(await catalogue(db), described);
    } finally {
      await closeDb(reference);
    }
  });

  test("up, down and up again leave the same schema; two processes that migrate at once apply each migration once", async () => {
    const { db, open } = engine();
    const before = await catalogue(db);
    const applied = await migrationStatus(db);
    assert.ok(applied.length > 0 && applied.every(({ status }) => status === "Applied"));
    await requireSchema(db);
    assert.equal((await migrateDown(db, applied.length)).length, applied.length);
    assert.deepEqual(await catalogue(db), []);
    assert.ok((await migrationStatus(db)).every(({ status }) => status === "Pending"));
    await assert.rejects(requireSchema(db), /writ migrate sql up/);
    const racers = await Promise.all([migrateUp(db), open().then(migrateUp), open().then(migrateUp)]);
    assert.equal(racers.flat().length, applied.length);
    assert.deepEqual(await migrateUp(db), []);
    assert.deepEqual(await catalogue(db), before);
    assert.equal(await bumpGrantEpoch(db, 1, "somebody"), 1);
  });

  test("a server refuses a migration that it does not know, and one that has changed since it was applied", async () => {
    const { db } = engine();
    const change = (sql: string) =>
      db.driver.write(function* () {
        yield { kind: "run", sql, params: [] };
      });
    await change("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ('9999', 'future', 'x', 0)");
    assert.equal((await migrationStatus(db)).at(-1)?.status, "Unknown");
    await assert.rejects(requireSchema(db), /9999_future/);
    await change("DELETE FROM schema_migrations WHERE version = '9999'");
    await change("UPDATE schema_migrations SET checksum = 'other' WHERE version = '0001'");
    await assert.rejects(requireSchema(db), /0001_init is not the one/);
    await assert.rejects(migrateUp(db), /0001_init is not the one/);
  });
});
