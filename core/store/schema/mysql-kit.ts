import { bytes, integer, text } from "../row.ts";
import { loadMysqlCore } from "./drizzle.ts";
import type { Kit } from "./kit.ts";

const { customType, index, mysqlTable, primaryKey } = loadMysqlCore();

const kit = {
  table: mysqlTable,
  index,
  primaryKey,
  integer: customType<{ data: number; driverData: unknown }>({ dataType: () => "bigint", fromDriver: integer }),
  // Binary and not a character set with a collation: the default ones take `Alice` for `alice` and `a ` for `a`.
  text: customType<{ data: string; driverData: unknown; config: { readonly size: number }; configRequired: true }>({
    dataType: ({ size }) => `varbinary(${size})`,
    fromDriver: text,
  }),
  bytes: customType<{ data: Uint8Array; driverData: unknown; config: { readonly size: number }; configRequired: true }>({
    dataType: ({ size }) => `varbinary(${size})`,
    fromDriver: bytes,
  }),
  document: customType<{ data: Uint8Array; driverData: unknown }>({ dataType: () => "mediumblob", fromDriver: bytes }),
};

/** The columns and tables of MySQL, seen as SQLite's: the store's functions are written once, against those types. */
export const mysqlKit = kit as unknown as Kit;
