import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { Db } from "./db.ts";
import { integer, text } from "./row.ts";
import { insertText, runText, type Steps } from "./steps.ts";

/** One migration and whether it is in the database. `Unknown`: the database has it and this version does not know it. */
export interface MigrationStatus {
  /** Four digits. */
  readonly version: string;
  readonly name: string;
  readonly status: "Applied" | "Pending" | "Unknown";
}

interface Migration {
  readonly version: string;
  readonly name: string;
  readonly up: readonly string[];
  readonly down: readonly string[];
  /** SHA-256 of the up script: an applied migration that has changed since is a mistake somebody must look at. */
  readonly checksum: string;
}

const VERSIONS_TABLE = {
  sqlite:
    "CREATE TABLE IF NOT EXISTS schema_migrations (version TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
  mysql:
    "CREATE TABLE IF NOT EXISTS schema_migrations (version VARBINARY(16) NOT NULL PRIMARY KEY, name VARBINARY(255) NOT NULL, checksum VARBINARY(64) NOT NULL, applied_at BIGINT NOT NULL) ENGINE=InnoDB",
} as const;

/** Every migration that this version or the database knows. */
export async function migrationStatus(db: Db): Promise<MigrationStatus[]> {
  const applied = await appliedMigrations(db);
  const known = loadMigrations(db.engine);
  return [
    ...known.map(({ version, name }): MigrationStatus => ({ version, name, status: applied.has(version) ? "Applied" : "Pending" })),
    ...[...applied].filter(([version]) => !known.some((each) => each.version === version)).map(([version, { name }]): MigrationStatus => ({ version, name, status: "Unknown" })),
  ];
}

/** Applies what is pending; safe when several processes do it at once. Returns what was applied. */
export async function migrateUp(db: Db): Promise<MigrationStatus[]> {
  await db.driver.migrate(() => runAll([VERSIONS_TABLE[db.engine]]));
  return db.driver.withMigrationLock(async () => {
    const done: MigrationStatus[] = [];
    for (const migration of loadMigrations(db.engine)) {
      const applied = (await appliedMigrations(db)).get(migration.version);
      requireSame(migration, applied?.checksum);
      if (applied === undefined && (await apply(db, migration))) done.push({ version: migration.version, name: migration.name, status: "Applied" });
    }
    return done;
  });
}

/** Takes back the last `steps`. Returns what was taken back. */
export async function migrateDown(db: Db, steps: number): Promise<MigrationStatus[]> {
  return db.driver.withMigrationLock(async () => {
    const applied = await appliedMigrations(db);
    const back = loadMigrations(db.engine)
      .filter(({ version }) => applied.has(version))
      .toReversed()
      .slice(0, steps);
    for (const { version, down } of back)
      await db.driver.migrate(function* (): Steps<void> {
        yield* runAll(down);
        yield* runText("DELETE FROM schema_migrations WHERE version = ?", version);
      });
    return back.map(({ version, name }): MigrationStatus => ({ version, name, status: "Pending" }));
  });
}

/** @throws Error saying what to do, when a migration is pending, or the database has one that this version does not know or knows otherwise */
export async function requireSchema(db: Db): Promise<void> {
  const applied = await appliedMigrations(db);
  for (const migration of loadMigrations(db.engine)) requireSame(migration, applied.get(migration.version)?.checksum);
  const status = await migrationStatus(db);
  const unknown = status.find((each) => each.status === "Unknown");
  if (unknown !== undefined)
    throw new Error(`the database has migration ${unknown.version}_${unknown.name}, which this version does not know: run the version that made it, or a newer one`);
  const pending = status.filter((each) => each.status === "Pending").length;
  if (pending > 0) throw new Error(`the database lacks ${pending} ${pending === 1 ? "migration" : "migrations"}: run 'writ migrate sql up -e' (with the same DSN) first`);
}

/** False: another process was faster (on SQLite, whose transaction is the lock). */
async function apply(db: Db, { version, name, up, checksum }: Migration): Promise<boolean> {
  let isNew = true;
  const appliedAt = await db.driver.time();
  await db.driver.migrate(function* (): Steps<void> {
    const record = insertText("INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)", version, name, checksum, appliedAt);
    if (db.engine === "mysql") {
      yield* runAll(up); // each statement commits by itself, so the record comes last: what broke off is seen as pending
      yield* record;
      return;
    }
    isNew = yield* record;
    if (isNew) yield* runAll(up);
  });
  return isNew;
}

function* runAll(statements: readonly string[]): Steps<void> {
  for (const sql of statements) yield* runText(sql);
}

async function appliedMigrations(db: Db): Promise<ReadonlyMap<string, { readonly name: string; readonly checksum: string }>> {
  const exists =
    db.engine === "sqlite"
      ? "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_migrations'"
      : "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'schema_migrations'";
  const [count] = await db.driver.read(exists, []);
  if (integer(count?.[0]) === 0) return new Map();
  const found = await db.driver.read("SELECT version, name, checksum FROM schema_migrations ORDER BY version", []);
  return new Map(found.map(([version, name, checksum]) => [text(version), { name: text(name), checksum: text(checksum) }]));
}

function requireSame({ version, name, checksum }: Migration, applied: string | undefined): void {
  if (applied !== undefined && checksum !== applied) throw new Error(`migration ${version}_${name} is not the one that was applied to this database`);
}

function loadMigrations(engine: Db["engine"]): Migration[] {
  const folder = new URL(`./migrations/${engine}/`, import.meta.url);
  const read = (file: string): string => readFileSync(new URL(file, folder), "utf8");
  return readdirSync(folder)
    .filter((file) => /^\d{4}_\w+\.sql$/.test(file))
    .toSorted()
    .map((file) => {
      const up = read(file);
      return {
        version: file.slice(0, 4),
        name: file.slice(5, -4),
        up: split(up),
        down: split(read(file.replace(/\.sql$/, ".down.sql"))),
        checksum: createHash("sha256").update(up).digest("hex"),
      };
    });
}

function split(script: string): string[] {
  return script
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}
