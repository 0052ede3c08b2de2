import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { closeDb, type Db, type OpenOptions, openDb } from "#core/store/db.ts";
import { migrateUp } from "#core/store/migrate.ts";
import { silentLog } from "#lib/events.ts";
import { freshMysqlDsn, hasMariadb } from "./mariadb.ts";

/** A database for tests: migrated, empty, and open as often as a case wants. */
export interface TestEngine {
  readonly engine: "sqlite" | "mysql";
  readonly dsn: string;
  /** The first connection. */
  readonly db: Db;
  /** Another one to the same database, as another process would have. */
  open(onStatement?: OpenOptions["onStatement"]): Promise<Db>;
}

/** Registers the same cases for each engine. */
export function describeEngines(title: string, body: (engine: () => TestEngine) => void): void {
  for (const engine of hasMariadb() ? (["sqlite", "mysql"] as const) : (["sqlite"] as const)) {
    describe(`${title} [${engine}]`, () => {
      let folder: string;
      const opened: Db[] = [];
      let current: TestEngine | undefined;
      before(async () => {
        folder = await mkdtemp(join(tmpdir(), "writ-store-"));
        const dsn = engine === "sqlite" ? `sqlite://${join(folder, "writ.sqlite")}` : await freshMysqlDsn();
        const open = async (onStatement?: OpenOptions["onStatement"]): Promise<Db> => {
          const db = await openDb({ dsn, log: silentLog, ...(onStatement === undefined ? {} : { onStatement }) });
          opened.push(db);
          return db;
        };
        const db = await open();
        await migrateUp(db);
        current = { engine, dsn, db, open };
      });
      after(async () => {
        await Promise.all(opened.map((db) => closeDb(db)));
        await rm(folder, { recursive: true, force: true });
      });
      body(() => {
        if (current === undefined) throw new Error("the database is not open");
        return current;
      });
    });
  }
}
