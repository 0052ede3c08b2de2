import { OAuthError } from "#lib/errors.ts";
import type { Log } from "#lib/events.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Dialect } from "./dialect.ts";
import type { Param, Row, Steps } from "./steps.ts";

/** Called before each statement that is sent to the engine; not for BEGIN, COMMIT and savepoints, nor for what a cache answers. */
export type OnStatement = (statement: { readonly sql: string; readonly params: readonly Param[]; readonly kind: "read" | "write" }) => void;

/** What an engine must be able to do. Everything else of the store is written once. */
export interface Driver {
  readonly dialect: Dialect;
  /** Reads what is committed. */
  read(sql: string, params: readonly Param[]): Promise<readonly Row[]>;
  /** The same at once, where the engine can. Undefined: not now; ask `read`. */
  readNow(sql: string, params: readonly Param[]): readonly Row[] | undefined;
  /**
   * Runs a write in a transaction of its own and resolves once it is durable. `committed` runs before that, and only then.
   * `repeatable`: running it again after it has been done comes to the same, so that an acknowledgement that was lost is no
   * reason to give up.
   * @throws OAuthError temporarily_unavailable when it is not known whether it was written
   */
  write<R>(steps: () => Steps<R>, committed?: (result: R) => void, options?: { readonly repeatable?: boolean }): Promise<R>;
  /** Runs statements that change the schema, in one transaction where the engine has such. */
  migrate(steps: () => Steps<void>): Promise<void>;
  /** Holds a lock that all processes at this database share. */
  withMigrationLock<R>(body: () => Promise<R>): Promise<R>;
  time(): Promise<EpochMillis>;
  /** Moves when something that another connection committed may be newer than what was read. Undefined: it always may. */
  version(): number | undefined;
  close(): Promise<void>;
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

/** A value that a column has no room for, or may not hold. The database refuses it; it is never cut. */
export function doesNotFit(cause: unknown): OAuthError {
  return new OAuthError("invalid_request", "A value is longer than can be stored", { cause });
}

/** A read or write that did not happen. */
export function notNow(cause: unknown): OAuthError {
  return new OAuthError("temporarily_unavailable", "The database cannot be reached; try again", { cause });
}
