import type { Dialect } from "../dialect.ts";
import { sql, sqliteCore } from "../schema/drizzle.ts";
import { sqliteKit } from "../schema/kit.ts";
import { defineSchema } from "../schema/tables.ts";

const { BaseSQLiteDatabase, SQLiteSyncDialect } = sqliteCore;

/** SQLite. The query builder has no session, since it runs nothing. */
export const sqliteDialect: Dialect = {
  engine: "sqlite",
  tables: defineSchema(sqliteKit),
  query: new BaseSQLiteDatabase("sync", new SQLiteSyncDialect(), undefined as never, undefined),
  upsert: (insert, key, set) => (insert as unknown as { onConflictDoUpdate(config: object): typeof insert }).onConflictDoUpdate({ target: key, set }),
  incoming: (column) => sql`excluded.${sql.identifier(column.name)}`,
  now: sql<number>`CAST(unixepoch('subsec') * 1000 AS INTEGER)`,
  ordered: true,
};
