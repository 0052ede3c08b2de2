import { type Connection, createPool, type Pool, type PoolConnection, type PoolOptions } from "mysql2";
import type { Log } from "#lib/events.ts";
import { notNow } from "../driver.ts";
import type { Param, Row } from "../steps.ts";

/**
 * A write that has not been acknowledged after this long is given up and its connection cut, and the server ends a
 * transaction that has been idle for as long: so no revocation event can appear later than the revocation stream waits for
 * (well below half of its overlap, core/token/watch-revocations.ts). Milliseconds.
 */
export const WRITE_DEADLINE = 4000;
/** How long a read may take, retries and the wait for a connection included. Milliseconds. */
export const READ_DEADLINE = 8000;

/** What the server answered. */
export type Answer = readonly Row[] | { readonly affectedRows: number };

/** Makes a pool whose connections are all set to what the store relies on. @throws OAuthError temporarily_unavailable when the server cannot be reached */
export async function openPool(options: PoolOptions, log: Log): Promise<Pool> {
  const pool = createPool({
    ...options,
    rowsAsArray: true,
    supportBigNumbers: true, // what is no safe number comes as digits, and is refused by the column's decoder
    flags: ["FOUND_ROWS"], // an UPDATE counts what it matched, also where it changed nothing
    multipleStatements: false,
    maxPreparedStatements: 500,
    enableKeepAlive: true,
    connectTimeout: 5000,
  });
  let settings: readonly string[] = settingsFor(new Map());
  pool.on("connection", (connection) => {
    // Queued before anything else on the connection. One that cannot be set up must not be used.
    for (const sql of settings) connection.query(sql, (error: unknown) => error && connection.destroy());
  });
  try {
    const first = await acquire(pool, READ_DEADLINE);
    settings = settingsFor(await variablesOf(first));
    first.destroy(); // it was set up before it was known what the server has
  } catch (error) {
    pool.end(() => {});
    throw notNow(error);
  }
  log.debug("store_opened", { engine: "mysql", settings: settings.length });
  return pool;
}

/** Strict: what does not fit is refused, never cut. UTC: the clock has no hour that comes twice. */
function settingsFor(variables: ReadonlyMap<string, string>): string[] {
  const idle = WRITE_DEADLINE / 1000;
  const session = ["sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'", "time_zone = '+00:00'", "innodb_lock_wait_timeout = 3"];
  // MariaDB can end idle transactions alone; elsewhere idle connections go with them, and the pool makes new ones.
  if (variables.has("idle_transaction_timeout")) session.push("wait_timeout = 600", `idle_transaction_timeout = ${idle}`, `idle_write_transaction_timeout = ${idle}`);
  else session.push(`wait_timeout = ${variables.size === 0 ? 600 : idle}`);
  // Galera: a node that lags behind must not make a fresh row look missing; neither to a read nor to a conditional update.
  if (variables.get("wsrep_on") === "ON") session.push("wsrep_sync_wait = 7");
  return [`SET SESSION ${session.join(", ")}`, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"];
}

async function variablesOf(connection: PoolConnection): Promise<Map<string, string>> {
  const found = (await query(connection, "SHOW SESSION VARIABLES WHERE Variable_name IN ('wsrep_on', 'idle_transaction_timeout', 'version')")) as readonly Row[];
  return new Map(found.map(([name, value]) => [String(name), String(value)]));
}

/** Takes a connection. One that comes after the deadline goes back unused. */
export function acquire(pool: Pool, deadline: number): Promise<PoolConnection> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(notNow(new Error("no connection came free in time")));
    }, deadline);
    pool.getConnection((error, connection) => {
      clearTimeout(timer);
      if (error) reject(error);
      else if (late) connection.release();
      else resolve(connection);
    });
  });
}

/**
 * Runs something on a connection that is cut when the time is up, rather than waited for: a server that has gone silent
 * would keep it for ever. The driver says nothing to commands under way on a connection that is cut, so this does.
 */
export function withDeadline<R>(connection: Connection, deadline: number, body: () => Promise<R>): Promise<R> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      connection.destroy();
      reject(Object.assign(new Error("the database did not answer in time"), { fatal: true }));
    }, deadline);
    body()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

/** Sends a statement as text. */
export function query(connection: Connection, sql: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error, result) => (error ? reject(error) : resolve(result as unknown as Answer)));
  });
}

/** Runs a statement that the server keeps prepared. */
export function execute(connection: Connection, sql: string, params: readonly Param[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    connection.execute(sql, params as Param[], (error, result) => (error ? reject(error) : resolve(result as unknown as Answer)));
  });
}
