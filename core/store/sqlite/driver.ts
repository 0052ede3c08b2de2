import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import type { EpochMillis } from "#lib/time.ts";
import { type Driver, type DriverOptions, notNow } from "../driver.ts";
import type { Operation, Outcome, Param, Row } from "../steps.ts";
import { sqliteDialect } from "./dialect.ts";
import { drive, rollBack } from "./drive.ts";
import { isBusy, isDuplicate } from "./errors.ts";
import { makeGroupCommit } from "./group-commit.ts";

/** Statements that are kept prepared; lists of many lengths would fill it, so they come in powers of two. */
const MAX_STATEMENTS = 500;
/** How long SQLite itself waits for another process's lock, with the event loop standing still. The rest is waited for asynchronously. */
const BUSY_TIMEOUT = 20;
/** Node 22.13 to 22.15 return rows as objects alone; our statements name each column once, so their values are the row. */
const HAS_ARRAYS = "setReturnArrays" in StatementSync.prototype;
/** How long opening waits: another process may be switching the file to WAL or migrating it. */
const OPEN_TIMEOUT = 5000;
const MIGRATION_TIMEOUT = 30_000;
const CLOCK = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";

/**
 * Opens an SQLite file, or a database in memory where `file` is undefined. One connection: reads are synchronous and see
 * what is committed, since no write group ever pauses in its middle.
 */
export function openSqlite(file: string | undefined, { log, onStatement }: DriverOptions): Driver {
  if (file !== undefined) createFile(file);
  const db = new DatabaseSync(file ?? ":memory:");
  db.exec(`PRAGMA busy_timeout = ${OPEN_TIMEOUT}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = ${BUSY_TIMEOUT}`);
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (statements.size >= MAX_STATEMENTS) statements.clear();
    const statement = db.prepare(sql);
    if (HAS_ARRAYS) statement.setReturnArrays(true);
    statements.set(sql, statement);
    return statement;
  };
  const all = (sql: string, params: readonly Param[]): readonly Row[] => {
    onStatement?.({ sql, params, kind: "read" });
    const found = prepare(sql).all(...params);
    return HAS_ARRAYS ? (found as unknown as readonly Row[]) : found.map(Object.values);
  };
  const perform = (operation: Operation): Outcome => {
    const { kind, sql, params } = operation;
    if (kind === "rows") return all(sql, params);
    onStatement?.({ sql, params, kind: "write" });
    try {
      const { changes } = prepare(sql).run(...params);
      return kind === "insert" ? true : Number(changes);
    } catch (error) {
      if (kind === "insert" && isDuplicate(error)) return false;
      throw error;
    }
  };
  const group = makeGroupCommit({ db, perform, log });
  const dataVersion = file === undefined ? undefined : prepare("PRAGMA data_version");
  const version = (): number => {
    const row = dataVersion?.get() as unknown;
    return row === undefined ? 0 : ((HAS_ARRAYS ? (row as readonly number[])[0] : (row as { readonly data_version: number }).data_version) ?? 0);
  };

  return {
    dialect: sqliteDialect,
    readNow(sql, params) {
      try {
        return all(sql, params);
      } catch (error) {
        if (isBusy(error)) return undefined;
        throw error;
      }
    },
    async read(sql, params) {
      for (let tries = 0; ; tries++) {
        try {
          return all(sql, params);
        } catch (error) {
          if (!isBusy(error) || tries === 100) throw notNow(error);
          await new Promise((resolve) => setTimeout(resolve, 5 + Math.min(tries, 20)));
        }
      }
    },
    write: group.write,
    async migrate(steps) {
      await begin(db);
      try {
        drive(steps(), perform);
        db.exec("COMMIT");
      } catch (error) {
        rollBack(db);
        throw error;
      } finally {
        statements.clear();
      }
    },
    withMigrationLock: (body) => body(), // each migration is one transaction, and the table of versions has a key
    time: async () => all(CLOCK, [])[0]?.[0] as EpochMillis,
    version,
    async close() {
      await group.idle();
      db.close();
    },
  };
}

/** Begins a migration, once no other process writes. */
async function begin(db: DatabaseSync): Promise<void> {
  for (const since = performance.now(); ; ) {
    try {
      db.exec("BEGIN IMMEDIATE");
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() - since > MIGRATION_TIMEOUT) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

function createFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  if (existsSync(file)) return;
  writeFileSync(file, "", { flag: "a", mode: 0o600 });
  chmodSync(file, 0o600); // it holds sealed keys and hashes of secrets; whatever the umask says, nobody else reads it
}
