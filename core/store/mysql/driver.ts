import { createPool, type PoolConnection, type PoolOptions } from "mysql2/promise";
import type { EpochMillis } from "#lib/time.ts";
import { type Dialect, type Driver, type DriverOptions, notNow, outcomeUnknown } from "../driver.ts";
import type { Operation, Outcome, Param, Row, Steps } from "../steps.ts";

const dialect: Dialect = {
  engine: "mysql",
  upsert: (_key, columns) => `ON DUPLICATE KEY UPDATE ${columns.map((each) => `${each} = VALUES(${each})`).join(", ")}`,
  now: "CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)",
  ordered: false,
};

/**
 * A write that has not been acknowledged after this long is given up and its connection cut, so that no event of it can
 * appear later than the revocation stream waits for. Well below half of that stream's overlap. Milliseconds.
 */
const WRITE_DEADLINE = 4000;
const READ_DEADLINE = 8000;
const MAX_TRIES = 6;
const DUPLICATE = 1062;
/** Deadlock, lock wait time-out, certification conflict on Galera, read of a changed row: nothing was written, and another try may succeed. */
const CONFLICTS = new Set([1213, 1205, 1020]);

/** What every connection is set to. Strict: what does not fit is refused, never cut. */
const SESSION = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = 3, wait_timeout = 600";

/** Opens a pool of connections. @throws OAuthError temporarily_unavailable when the server cannot be reached */
export async function openMysql(options: PoolOptions, { log, onStatement }: DriverOptions): Promise<Driver> {
  const pool = createPool({ ...options, rowsAsArray: true, supportBigNumbers: true, flags: ["FOUND_ROWS"], multipleStatements: false, maxPreparedStatements: 500, enableKeepAlive: true, connectTimeout: 5000 });
  const extra: string[] = [];
  pool.pool.on("connection", (connection) => {
    // Queued before anything else on the connection; a failure shows in the first statement, on a closed connection.
    for (const sql of [SESSION, "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", ...extra]) connection.query(sql, (error: unknown) => error && connection.destroy());
  });
  try {
    extra.push(...(await sessionExtras(await pool.query("SELECT 1").then(() => pool), log)));
  } catch (error) {
    await pool.end();
    throw notNow(error);
  }
  if (extra.length > 0) await renewConnections(pool);

  const read = async (sql: string, params: readonly Param[]): Promise<readonly Row[]> => {
    for (let tries = 1; ; tries++) {
      try {
        onStatement?.({ sql, kind: "read" });
        const [found] = await pool.execute({ sql, timeout: READ_DEADLINE }, params as Param[]);
        return found as unknown as readonly Row[];
      } catch (error) {
        if (tries >= 3 || !(isLost(error) || isConflict(error))) throw isLost(error) || isConflict(error) ? notNow(error) : error;
      }
    }
  };

  const write = async <R>(steps: () => Steps<R>, committed?: (result: R) => void): Promise<R> => {
    for (let tries = 1; ; tries++) {
      const attempt = await tryWrite(pool, steps, onStatement);
      if (attempt.kind === "done") {
        committed?.(attempt.result);
        return attempt.result;
      }
      if (attempt.kind === "failed") throw attempt.error;
      if (attempt.kind === "unknown") throw outcomeUnknown(attempt.error);
      if (tries >= MAX_TRIES) throw notNow(attempt.error);
      log.debug("store_retry", { reason: "conflict", tries });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** tries));
    }
  };

  return {
    dialect,
    read,
    write,
    async migrate(steps) {
      // DDL commits by itself on this engine: each statement stands alone.
      const connection = await pool.getConnection();
      try {
        await drive(steps(), (operation) => perform(connection, operation, onStatement, false));
      } finally {
        connection.release();
      }
    },
    async withMigrationLock(body) {
      const connection = await pool.getConnection();
      try {
        await connection.query("SELECT GET_LOCK(CONCAT('writ.migrate.', DATABASE()), 120)");
        return await body();
      } finally {
        await connection.query("SELECT RELEASE_LOCK(CONCAT('writ.migrate.', DATABASE()))").catch(() => connection.destroy());
        connection.release();
      }
    },
    time: async () => Number((await read(`SELECT ${dialect.now}`, []))[0]?.[0]) as EpochMillis,
    version: () => undefined,
    close: () => pool.end(),
  };
}

type Attempt<R> = { readonly kind: "done"; readonly result: R } | { readonly kind: "failed" | "unknown" | "retry"; readonly error: unknown };

async function tryWrite<R>(pool: ReturnType<typeof createPool>, steps: () => Steps<R>, onStatement: DriverOptions["onStatement"]): Promise<Attempt<R>> {
  let connection: PoolConnection;
  try {
    connection = await pool.getConnection();
  } catch (error) {
    return { kind: "retry", error };
  }
  let deadline: NodeJS.Timeout | undefined;
  let late = false;
  let committing = false;
  try {
    deadline = setTimeout(() => {
      late = true;
      connection.destroy();
    }, WRITE_DEADLINE);
    await connection.query("START TRANSACTION");
    const result = await drive(steps(), (operation) => perform(connection, operation, onStatement, true));
    committing = true;
    await connection.query("COMMIT");
    connection.release();
    return { kind: "done", result };
  } catch (error) {
    if (late || isLost(error)) {
      connection.destroy();
      // Only a COMMIT that was sent may have happened; before it the server rolls back what a lost connection began.
      return committing ? { kind: "unknown", error } : { kind: "retry", error };
    }
    await connection.query("ROLLBACK").then(
      () => connection.release(),
      () => connection.destroy(),
    );
    return isConflict(error) ? { kind: "retry", error } : { kind: "failed", error };
  } finally {
    clearTimeout(deadline);
  }
}

async function drive<R>(steps: Steps<R>, performOne: (operation: Operation) => Promise<Outcome>): Promise<R> {
  let next = steps.next();
  while (next.done !== true) {
    let outcome: Outcome;
    try {
      outcome = await performOne(next.value);
    } catch (error) {
      next = steps.throw(error);
      continue;
    }
    next = steps.next(outcome);
  }
  return next.value;
}

async function perform(connection: PoolConnection, { kind, sql, params }: Operation, onStatement: DriverOptions["onStatement"], prepared: boolean): Promise<Outcome> {
  onStatement?.({ sql, kind: kind === "rows" ? "read" : "write" });
  try {
    const [result] = prepared ? await connection.execute(sql, params as Param[]) : await connection.query(sql, params as Param[]);
    if (kind === "rows") return result as unknown as readonly Row[];
    return kind === "insert" ? true : (result as { affectedRows: number }).affectedRows;
  } catch (error) {
    if (kind === "insert" && errorNumber(error) === DUPLICATE) return false;
    throw error;
  }
}

/** Settings that only some servers have: causal reads and conditional updates on Galera; an end to idle transactions on MariaDB. */
async function sessionExtras(pool: ReturnType<typeof createPool>, log: DriverOptions["log"]): Promise<string[]> {
  const [found] = await pool.query("SHOW SESSION VARIABLES WHERE Variable_name IN ('wsrep_on', 'idle_write_transaction_timeout')");
  const variables = new Map((found as unknown as readonly Row[]).map(([name, value]) => [String(name), String(value)]));
  const extras: string[] = [];
  if (variables.get("wsrep_on") === "ON") extras.push("SET SESSION wsrep_sync_wait = 7");
  if (variables.has("idle_write_transaction_timeout")) extras.push("SET SESSION idle_write_transaction_timeout = 4");
  log.debug("store_opened", { engine: "mysql", settings: extras.length });
  return extras;
}

/** The first connection was set up before it was known what the server has. */
async function renewConnections(pool: ReturnType<typeof createPool>): Promise<void> {
  const connection = await pool.getConnection();
  connection.destroy();
}

function errorNumber(error: unknown): number {
  return typeof error === "object" && error !== null && "errno" in error && typeof error.errno === "number" ? error.errno : 0;
}

function isConflict(error: unknown): boolean {
  return CONFLICTS.has(errorNumber(error));
}

/** The connection is gone, or the server would not take it: a code of the system or of the driver, not of SQL. */
function isLost(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("code" in error) || typeof error.code !== "string") return "fatal" in (error as object) && (error as { fatal?: boolean }).fatal === true;
  return /^(E(CONNRE|PIPE|TIMEDOUT|HOST|NET|NOTFOUND)|PROTOCOL_|ER_SERVER_SHUTDOWN|ER_CON_COUNT_ERROR|ER_CONNECTION_KILLED)/.test(error.code) || ("fatal" in error && error.fatal === true);
}
