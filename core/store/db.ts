import type { EpochMillis } from "#lib/time.ts";
import type { Log } from "#lib/events.ts";

/** An open database. What is inside concerns core/store alone. */
export interface Db {
  readonly engine: "sqlite" | "mysql";
}

/** How a database is opened. */
export interface OpenOptions {
  /** `sqlite://FILE`, `memory`, `mysql://user:pw@tcp(host:port)/db?…` or `mysql://user:pw@host:port/db`. */
  readonly dsn: string;
  readonly log: Log;
  /** Called before each statement that is sent to the engine (not for what a cache answers, nor BEGIN/COMMIT). For tests that count. */
  readonly onStatement?: (statement: { readonly sql: string; readonly kind: "read" | "write" }) => void;
}

/** Opens a database; does not look at its schema. @throws Error naming what is wrong with the DSN, never its password. */
export declare function openDb(options: OpenOptions): Promise<Db>;
/** Waits for writes under way, then closes. */
export declare function closeDb(db: Db): Promise<void>;
/** Resolves when the database answers. */
export declare function pingDb(db: Db): Promise<void>;
/** The database's clock. */
export declare function databaseTime(db: Db): Promise<EpochMillis>;
