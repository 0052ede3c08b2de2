import type { Dialect, QueryBuilder } from "../dialect.ts";
import { loadMysqlCore, sql } from "../schema/drizzle.ts";
import { mysqlKit } from "../schema/mysql-kit.ts";
import { defineSchema } from "../schema/tables.ts";

const { MySqlDatabase, MySqlDialect } = loadMysqlCore();

/** MySQL and what speaks its protocol. The query builder has no session, since it runs nothing; it is seen as SQLite's. */
export const mysqlDialect: Dialect = {
  engine: "mysql",
  tables: defineSchema(mysqlKit),
  query: new MySqlDatabase(new MySqlDialect(), undefined as never, undefined, "default") as unknown as QueryBuilder,
  upsert: (insert, _key, set) => (insert as unknown as { onDuplicateKeyUpdate(config: object): typeof insert }).onDuplicateKeyUpdate({ set }),
  // MySQL 8 would rather have an alias, which MariaDB does not know.
  incoming: (column) => sql`VALUES(${sql.identifier(column.name)})`,
  now: sql<number>`CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)`,
  ordered: false,
};
