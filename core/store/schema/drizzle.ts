import { createRequire } from "node:module";

const load = createRequire(import.meta.url);

/**
 * drizzle's parts, loaded as CommonJS. As ES modules the very same files cost ten times the memory and time at start
 * (docs/adr/0002): each resolution reads the package's 180 kB manifest again.
 */
const core = load("drizzle-orm") as typeof import("drizzle-orm");

export const { and, asc, Column, desc, eq, gt, gte, inArray, isNotNull, lt, ne, or, Param, Placeholder, SQL, sql } = core;

/** Tables and query builders of SQLite. */
export const sqliteCore = load("drizzle-orm/sqlite-core") as typeof import("drizzle-orm/sqlite-core");

/** Tables and query builders of MySQL; loaded only where that engine is used. */
export function loadMysqlCore(): typeof import("drizzle-orm/mysql-core") {
  return load("drizzle-orm/mysql-core") as typeof import("drizzle-orm/mysql-core");
}
