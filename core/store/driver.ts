import { OAuthError } from "#lib/errors.ts";
import type { Log } from "#lib/events.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Param, Row, Steps } from "./steps.ts";

/** Called before each statement that is sent to the engine; not for BEGIN, COMMIT and savepoints, nor for what a cache answers. */
export type OnStatement = (statement: { readonly sql: string; readonly kind: "read" | "write" }) => void;

/** What an engine must be able to do. Everything else of the store is written once. */
export interface Driver {
  readonly dialect: Dialect;
  /** Reads what is committed. */
  read(sql: string, params: readonly Param[]): Promise<readonly Row[]>;
  /**
   * Runs a write in a transaction of its own and resolves once it is durable. `committed` runs before that, and only then.
   * @throws OAuthError temporarily_unavailable when it is not known whether it was written
   */
  write<R>(steps: () => Steps<R>, committed?: (result: R) => void): Promise<R>;
  /** Runs statements that change the schema, in one transaction where the engine has such. */
  migrate(steps: () => Steps<void>): Promise<void>;
  /** Holds a lock that all processes at this database share. */
  withMigrationLock<R>(body: () => Promise<R>): Promise<R>;
  time(): Promise<EpochMillis>;
  /** Moves when something that another connection committed may be newer than what was read. Undefined: it always may. */
  version(): number | undefined;
  close(): Promise<void>;
}

/** How the engines differ in what they are told. */
export interface Dialect {
  readonly engine: "sqlite" | "mysql";
  /** Follows an INSERT of a key that may exist: sets the columns from the row that was to be inserted. */
  upsert(key: readonly string[], columns: readonly string[]): string;
  /** Expression of the database's clock, in milliseconds since the epoch. */
  readonly now: string;
  /** Two events never have the same time, and a later one is committed later. */
  readonly ordered: boolean;
}

/** What drivers are made with. */
export interface DriverOptions {
  readonly log: Log;
  readonly onStatement: OnStatement | undefined;
}

/** A write of which nobody knows whether it happened. */
export function outcomeUnknown(cause: unknown): OAuthError {
  return new OAuthError("temporarily_unavailable", "The database did not confirm the change; try again", { cause });
}

/** A read or write that did not happen. */
export function notNow(cause: unknown): OAuthError {
  return new OAuthError("temporarily_unavailable", "The database cannot be reached; try again", { cause });
}
