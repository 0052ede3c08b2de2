import { bytes, integer, text } from "../row.ts";
import { sqliteCore } from "./drizzle.ts";

const { customType, index, primaryKey, sqliteTable } = sqliteCore;

/** The columns and tables of SQLite. Its types are the master: the kit of MySQL has the same names. */
export const sqliteKit = {
  table: sqliteTable,
  index,
  primaryKey,
  /** Epoch milliseconds, counters, small numbers. */
  integer: customType<{ data: number; driverData: unknown }>({ dataType: () => "integer", fromDriver: integer }),
  /** Text that compares as bytes: `Alice` is not `alice`, and `a ` is not `a`. `size` in bytes; what is longer is refused, never cut. */
  text: customType<{ data: string; driverData: unknown; config: { readonly size: number }; configRequired: true }>({ dataType: () => "text", fromDriver: text }),
  /** Identifiers and hashes of at most `size` bytes. */
  bytes: customType<{ data: Uint8Array; driverData: unknown; config: { readonly size: number }; configRequired: true }>({ dataType: () => "blob", fromDriver: bytes }),
  /** A `writ.store.v1` message in binary. */
  document: customType<{ data: Uint8Array; driverData: unknown }>({ dataType: () => "blob", fromDriver: bytes }),
};

/** What tables are made with. */
export type Kit = typeof sqliteKit;
