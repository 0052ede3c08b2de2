import type { Pool, PoolConnection, PoolOptions } from "mysql2";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import { type Driver, type DriverOptions, doesNotFit, notNow, outcomeUnknown } from "../driver.ts";
import { integer } from "../row.ts";
import type { Operation, Outcome, Param, Row, Steps } from "../steps.ts";
import { mysqlDialect } from "./dialect.ts";
import { isConflict, isDuplicate, isLost, isTooLong } from "./errors.ts";
import { acquire, execute, openPool, query, READ_DEADLINE, WRITE_DEADLINE, withDeadline } from "./pool.ts";

/** How often a write is tried that another one was in the way of. */
const MAX_TRIES = 8;
const CLOCK = "SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)";
/** Seconds to wait for another process that migrates. */
const LOCK_WAIT = 120;

/** Opens a pool of connections. @throws OAuthError temporarily_unavailable when the server cannot be reached */
export async function openMysql(options: PoolOptions, { log, onStatement }: DriverOptions): Promise<Driver> {
  const pool = await openPool(options, log);

  const read = async (sql: string, params: readonly Param[]): Promise<readonly Row[]> => {
    const since = performance.now();
    for (let tries = 1; ; tries++) {
      const left = READ_DEADLINE - (performance.now() - since);
      try {
        onStatement?.({ sql, params, kind: "read" });
        return await readOnce(pool, sql, params, left);
      } catch (error) {
        if (error instanceof OAuthError || !(isLost(error) || isConflict(error))) throw error;
        if (tries >= MAX_TRIES || performance.now() - since > READ_DEADLINE / 2) throw notNow(error);
        await backOff(tries);
      }
    }
  };

  const write = async <R>(steps: () => Steps<R>, committed?: (result: R) => void, { repeatable = false }: { readonly repeatable?: boolean } = {}): Promise<R> => {
    for (let tries = 1; ; tries++) {
      const attempt = await writeOnce(pool, steps, onStatement);
      switch (attempt.kind) {
        case "done":
          committed?.(attempt.result);
          return attempt.result;
        case "failed":
          throw attempt.error;
        case "unknown":
          if (!repeatable || tries >= MAX_TRIES) throw outcomeUnknown(attempt.error);
          break;
        case "undone":
          if (tries >= MAX_TRIES) throw notNow(attempt.error);
      }
      log.debug("store_retry", { reason: attempt.kind, tries });
      await backOff(tries);
    }
  };

  return {
    dialect: mysqlDialect,
    read,
    readNow: () => undefined,
    write,
    async migrate(steps) {
      // DDL commits by itself on this engine: each statement stands alone.
      const connection = await acquire(pool, READ_DEADLINE);
      try {
        await drive(steps(), (operation) => perform(connection, operation, onStatement));
      } finally {
        connection.release();
      }
    },
    withMigrationLock: (body) => withLock(pool, body),
    time: async () => integer((await read(CLOCK, []))[0]?.[0]) as EpochMillis,
    version: () => undefined,
    close: () => new Promise((resolve, reject) => pool.end((error) => (error ? reject(error) : resolve()))),
  };
}

async function readOnce(pool: Pool, sql: string, params: readonly Param[], deadline: number): Promise<readonly Row[]> {
  const connection = await acquire(pool, deadline);
  try {
    const found = await withDeadline(connection, deadline, () => execute(connection, sql, params));
    connection.release();
    return found as readonly Row[];
  } catch (error) {
    if (isLost(error)) connection.destroy();
    else connection.release();
    throw error;
  }
}

/** `undone`: nothing was written, and another try may succeed. `unknown`: the COMMIT was sent, and no answer came. */
type Attempt<R> = { readonly kind: "done"; readonly result: R } | { readonly kind: "failed" | "unknown" | "undone"; readonly error: unknown };

async function writeOnce<R>(pool: Pool, steps: () => Steps<R>, onStatement: DriverOptions["onStatement"]): Promise<Attempt<R>> {
  let connection: PoolConnection;
  try {
    connection = await acquire(pool, WRITE_DEADLINE);
  } catch (error) {
    if (error instanceof OAuthError) return { kind: "failed", error };
    return isLost(error) ? { kind: "undone", error } : { kind: "failed", error: notNow(error) };
  }
  let committing = false;
  try {
    const result = await withDeadline(connection, WRITE_DEADLINE, async () => {
      await query(connection, "START TRANSACTION");
      const done = await drive(steps(), (operation) => perform(connection, operation, onStatement));
      committing = true;
      await query(connection, "COMMIT");
      return done;
    });
    connection.release();
    return { kind: "done", result };
  } catch (error) {
    if (isLost(error)) {
      connection.destroy();
      // Only a COMMIT that was sent may have happened; before it the server rolls back what a lost connection began.
      return { kind: committing ? "unknown" : "undone", error };
    }
    await query(connection, "ROLLBACK").then(
      () => connection.release(),
      () => connection.destroy(),
    );
    if (isConflict(error)) return { kind: "undone", error };
    return { kind: "failed", error: isTooLong(error) ? doesNotFit(error) : error };
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

async function perform(connection: PoolConnection, { kind, sql, params }: Operation, onStatement: DriverOptions["onStatement"]): Promise<Outcome> {
  onStatement?.({ sql, params, kind: kind === "rows" ? "read" : "write" });
  try {
    // What changes the schema has no values, and cannot be prepared.
    const result = params.length > 0 ? await execute(connection, sql, params) : await query(connection, sql);
    if (kind === "rows") return result as readonly Row[];
    return kind === "insert" ? true : (result as { affectedRows: number }).affectedRows;
  } catch (error) {
    if (kind === "insert" && isDuplicate(error)) return false;
    throw error;
  }
}

async function withLock<R>(pool: Pool, body: () => Promise<R>): Promise<R> {
  const connection = await acquire(pool, READ_DEADLINE);
  try {
    await query(connection, "SET SESSION wait_timeout = 3600"); // the lock goes with the connection, which idles meanwhile
    const [row] = (await query(connection, `SELECT GET_LOCK(CONCAT('writ.migrate.', DATABASE()), ${LOCK_WAIT})`)) as readonly Row[];
    if (row?.[0] !== 1) throw notNow(new Error("another process holds the migration lock"));
    return await body();
  } finally {
    connection.destroy();
  }
}

/** Random, so that those who collided do not meet again. */
function backOff(tries: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** Math.min(tries, 5)));
}
