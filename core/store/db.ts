import type { Log } from "#lib/events.ts";
import type { EpochMillis } from "#lib/time.ts";
import { type Caches, makeCaches } from "./caches.ts";
import type { Driver, OnStatement } from "./driver.ts";
import { parseDsn } from "./dsn.ts";

/** An open database. What is inside concerns core/store alone. */
export interface Db {
  readonly engine: "sqlite" | "mysql";
  readonly driver: Driver;
  readonly caches: Caches;
}

/** How a database is opened. */
export interface OpenOptions {
  /** `sqlite://FILE`, `memory`, `mysql://user:pw@tcp(host:port)/db?…` or `mysql://user:pw@host:port/db`. */
  readonly dsn: string;
  readonly log: Log;
  /** For tests that count. */
  readonly onStatement?: OnStatement;
}

/**
 * Opens a database; does not look at its schema. Only the driver that is needed is loaded.
 * @throws Error naming what is wrong with the DSN, never its password
 */
export async function openDb({ dsn, log, onStatement }: OpenOptions): Promise<Db> {
  const where = parseDsn(dsn);
  const options = { log, onStatement };
  const driver =
    where.kind === "mysql"
      ? await import("./mysql/driver.ts").then(({ openMysql }) => openMysql(where.options, options))
      : await import("./sqlite/driver.ts").then(({ openSqlite }) => openSqlite(where.kind === "sqlite" ? where.file : undefined, options));
  return { engine: driver.dialect.engine, driver, caches: makeCaches(driver) };
}

/** Waits for writes under way, then closes. */
export function closeDb({ driver }: Db): Promise<void> {
  return driver.close();
}

/** Resolves when the database answers. */
export async function pingDb({ driver }: Db): Promise<void> {
  await driver.time();
}

/** The database's clock. */
export function databaseTime({ driver }: Db): Promise<EpochMillis> {
  return driver.time();
}
