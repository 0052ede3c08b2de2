import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { EpochMillis } from "#lib/time.ts";
import { type Dialect, type Driver, type DriverOptions, notNow } from "../driver.ts";
import type { Operation, Outcome, Param, Row, Steps } from "../steps.ts";
import { makeGroupCommit } from "./group-commit.ts";

const dialect: Dialect = {
  engine: "sqlite",
  upsert: (key, columns) => `ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${columns.map((each) => `${each} = excluded.${each}`).join(", ")}`,
  now: "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
  ordered: true,
};

/** Statements that are kept prepared; lists of many lengths would fill it, so they come in powers of two. */
const MAX_STATEMENTS = 500;
/** How long SQLite itself waits for another process's lock, with the event loop standing still. The rest is waited for asynchronously. */
const BUSY_TIMEOUT = 20;
const DUPLICATE = new Set([1555, 2067]); // SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
const BUSY = 5;

/**
 * Opens an SQLite file, or a database in memory where `file` is undefined. One connection: reads are synchronous and see
 * what is committed, since no write group ever pauses in its middle.
 */
export function openSqlite(file: string | undefined, { log, onStatement }: DriverOptions): Driver {
  if (file !== undefined) createFile(file);
  const db = new DatabaseSync(file ?? ":memory:");
  db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY`);
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (statements.size >= MAX_STATEMENTS) statements.clear();
    const statement = db.prepare(sql);
    statement.setReturnArrays(true);
    statements.set(sql, statement);
    return statement;
  };
  const all = (sql: string, params: readonly Param[]): readonly Row[] => {
    onStatement?.({ sql, kind: "read" });
    return prepare(sql).all(...params) as unknown as readonly Row[];
  };
  const perform = (operation: Operation): Outcome => {
    const { kind, sql, params } = operation;
    if (kind === "rows") return all(sql, params);
    onStatement?.({ sql, kind: "write" });
    try {
      const { changes } = prepare(sql).run(...params);
      return kind === "insert" ? true : Number(changes);
    } catch (error) {
      if (kind === "insert" && DUPLICATE.has(errorCode(error))) return false;
      throw error;
    }
  };
  const group = makeGroupCommit({ db, perform, log, isBusy });
  const dataVersion = file === undefined ? undefined : db.prepare("PRAGMA data_version");
  dataVersion?.setReturnArrays(true);

  return {
    dialect,
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
      db.exec("BEGIN IMMEDIATE");
      try {
        drive(steps(), perform);
        db.exec("COMMIT");
      } catch (error) {
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      } finally {
        statements.clear();
      }
    },
    withMigrationLock: (body) => body(), // each migration is one transaction, and the table of versions has a key
    time: async () => Number((prepare(`SELECT ${dialect.now}`).get() as unknown as Row)[0]) as EpochMillis,
    version: () => (dataVersion === undefined ? 0 : ((dataVersion.get() as unknown as Row)[0] as number)),
    async close() {
      await group.idle();
      db.close();
    },
  };
}

/** Runs steps to their end in one go. */
export function drive<R>(steps: Steps<R>, perform: (operation: Operation) => Outcome): R {
  let next = steps.next();
  while (next.done !== true) {
    let outcome: Outcome;
    try {
      outcome = perform(next.value);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(outcome);
  }
  return next.value;
}

function createFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file)) return;
  writeFileSync(file, "", { flag: "a", mode: 0o600 });
  chmodSync(file, 0o600); // it holds sealed keys and hashes of secrets; whatever the umask says, nobody else reads it
}

function isBusy(error: unknown): boolean {
  return (errorCode(error) & 0xff) === BUSY;
}

function errorCode(error: unknown): number {
  return typeof error === "object" && error !== null && "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
}
