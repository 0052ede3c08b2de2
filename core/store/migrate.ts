import type { Db } from "./db.ts";

/** One migration and whether it is in the database. */
export interface MigrationStatus {
  readonly version: string;
  readonly name: string;
  readonly status: "Applied" | "Pending" | "Unknown";
}

/** Every migration that this version or the database knows. */
export declare function migrationStatus(db: Db): Promise<MigrationStatus[]>;
/** Applies what is pending; safe when several processes do it at once. Returns what was applied. */
export declare function migrateUp(db: Db): Promise<MigrationStatus[]>;
/** Takes back the last `steps`. */
export declare function migrateDown(db: Db, steps: number): Promise<MigrationStatus[]>;
/** @throws Error saying what to run, when a migration is pending or the database has one that this version does not know. */
export declare function requireSchema(db: Db): Promise<void>;
