import type { Column, SQL } from "drizzle-orm";
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";
import type { Tables } from "./schema/tables.ts";
import type { Query } from "./statement.ts";

/** Builds queries; it runs none. */
export type QueryBuilder = BaseSQLiteDatabase<"sync", void>;

/** How the engines differ in what they are told. Tables and queries have SQLite's types on both. */
export interface Dialect {
  readonly engine: "sqlite" | "mysql";
  readonly tables: Tables;
  readonly query: QueryBuilder;
  /** Makes an INSERT set columns of the row that has its key already. */
  upsert(insert: UpsertableInsert, key: readonly Column[], set: Readonly<Record<string, SQL>>): Query;
  /** In an upsert: the value of the row that was to be inserted. */
  incoming(column: Column): SQL;
  /** The database's clock, in milliseconds since the epoch. */
  readonly now: SQL<number>;
  /** Two events never have the same time, and a later one is committed later. */
  readonly ordered: boolean;
}

/** An INSERT that `Dialect.upsert` completes. */
export interface UpsertableInsert extends Query {
  onConflictDoUpdate(config: { target: never; set: never }): unknown;
}
