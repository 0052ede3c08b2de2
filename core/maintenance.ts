import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { makeSealer, type Sealer } from "#lib/seal.ts";
import { addMillis } from "#lib/time.ts";
import { resealClientSecrets } from "./client/reseal.ts";
import { resealSessions } from "./handshake/reseal.ts";
import { ISSUER } from "./issuer.ts";
import { requireKnownSealKeys, resealStoredKeys } from "./keys/reseal.ts";
import { longestSignedLife, type RotatedKey, type Rotation, rotateKeys } from "./keys/rotate.ts";
import { closeDb, type Db, databaseTime, openDb } from "./store/db.ts";
import { deleteExpired, type JanitorOptions } from "./store/janitor.ts";
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
  /** Makes the next signing keys, and deletes those whose signatures have all expired. */
  rotateKeys(options: RotateOptions): Promise<readonly RotatedKey[]>;
  /** Deletes what has expired, at most `limit` rows of each table. Returns rows by table. */
  deleteExpired(limit: number, more?: DeleteOptions): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** What an operator says about deleting what has expired. */
export interface DeleteOptions extends Pick<JanitorOptions, "batchSize" | "only"> {
  /** Milliseconds that rows are kept after they have expired. */
  readonly keepFor?: number;
}

/** What an operator says about rotating keys. Durations in milliseconds. */
export interface RotateOptions extends Pick<Rotation, "sets" | "algs" | "olderThan" | "deletes" | "isTrial"> {
  /** Undefined: as long as the longest life that an access token or ID token can have. */
  readonly keep: number | undefined;
}

/** Verifiers and clocks may be late by so much. Milliseconds. */
const KEEP_MARGIN = 600_000;
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
      const deps = { db, issuer: ISSUER, sealer: sealerOf(config) };
      return { keys: await resealStoredKeys(deps), secrets: await resealClientSecrets(deps, await databaseTime(db)), sessions: await resealSessions(deps) };
    },
    async rotateKeys({ keep, ...options }) {
      await requireSchema(db);
      const deps = { db, issuer: ISSUER, sealer: sealerOf(config) };
      await requireKnownSealKeys(deps);
      const { ttl, compat, keys } = config;
      return rotateKeys(
        deps,
        {
          ...options,
          keep: (keep ?? (await longestSignedLife(deps, [ttl.access_token, ttl.id_token]))) + KEEP_MARGIN,
          publishBeforeUse: compat === "hydra" ? 0 : keys.publish_before_use,
        },
        await databaseTime(db),
      );
    },
    async deleteExpired(limit, { keepFor = 0, ...more } = {}) {
      await requireSchema(db);
      const now = await databaseTime(db);
      return deleteExpired(db, ISSUER, { now: addMillis(now, -keepFor), eventsBefore: addMillis(now, -Math.max(EVENT_RETENTION, keepFor)), limit, ...more });
    },
    close: () => closeDb(db),
  };
}

function sealerOf({ secrets }: Config): Sealer {
  if (secrets.system.length === 0) throw new Error("secrets.system is not set: give the new secret first, and the older ones after it");
  return makeSealer({ secrets: secrets.system, issuer: ISSUER, prefix: "writ", random: pooledRandom() });
}
