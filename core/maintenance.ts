import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { makeSealer } from "#lib/seal.ts";
import { addMillis } from "#lib/time.ts";
import { resealClientSecrets } from "./client/reseal.ts";
import { resealSessions } from "./handshake/reseal.ts";
import { ISSUER } from "./issuer.ts";
import { resealStoredKeys } from "./keys/reseal.ts";
import { closeDb, type Db, databaseTime, openDb } from "./store/db.ts";
import { deleteExpired } from "./store/janitor.ts";
import { type MigrationStatus, migrateDown, migrateUp, migrationStatus, requireSchema } from "./store/migrate.ts";

/** A database that is looked after while no server of this process uses it. */
export interface Maintenance {
  readonly db: Db;
  /** Every migration that this version or the database knows. */
  migrations(): Promise<readonly MigrationStatus[]>;
  /** Applies what is pending. Returns what was applied. */
  migrateUp(): Promise<readonly MigrationStatus[]>;
  /** Takes back the last `steps`. Returns what was taken back. */
  migrateDown(steps: number): Promise<readonly MigrationStatus[]>;
  /** Seals stored keys, secrets of clients, and what consent apps attached to grants, with the first system secret. Returns how many were sealed anew. */
  reseal(): Promise<{ readonly keys: number; readonly secrets: number; readonly sessions: number }>;
  /** Deletes what has expired, at most `limit` rows of each table. Returns rows by table. */
  deleteExpired(limit: number): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** How long revocation events are kept for consumers that come back. Milliseconds. */
export const EVENT_RETENTION = 24 * 3600 * 1000;

/** Opens the database of a configuration for maintenance. @throws Error with one line for the operator */
export async function openMaintenance(config: Config, log: Log): Promise<Maintenance> {
  const db = await openDb({ dsn: config.dsn ?? "", log });
  return {
    db,
    migrations: () => migrationStatus(db),
    migrateUp: () => migrateUp(db),
    migrateDown: (steps) => migrateDown(db, steps),
    async reseal() {
      await requireSchema(db);
      const [first] = config.secrets.system;
      if (first === undefined) throw new Error("secrets.system is not set: give the new secret first, and the older ones after it");
      const deps = { db, issuer: ISSUER, sealer: makeSealer({ secrets: config.secrets.system, issuer: ISSUER, prefix: "writ", random: pooledRandom() }) };
      return { keys: await resealStoredKeys(deps), secrets: await resealClientSecrets(deps, await databaseTime(db)), sessions: await resealSessions(deps) };
    },
    async deleteExpired(limit) {
      await requireSchema(db);
      const now = await databaseTime(db);
      return deleteExpired(db, ISSUER, { now, eventsBefore: addMillis(now, -EVENT_RETENTION), limit });
    },
    close: () => closeDb(db),
  };
}
