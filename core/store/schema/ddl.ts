import { mysqlDialect } from "../mysql/dialect.ts";
import { sqliteDialect } from "../sqlite/dialect.ts";
import { loadMysqlCore, sqliteCore } from "./drizzle.ts";

interface TableText {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string; readonly notNull: boolean }[];
  readonly primaryKey: readonly string[];
  readonly indexes: readonly { readonly name: string; readonly columns: readonly string[] }[];
}

/**
 * The statements that make all tables as the schema describes them. Migrations are written by hand, beginning with these;
 * a test compares what the migrations make with what these do. drizzle-kit knows neither STRICT nor WITHOUT ROWID.
 */
export function createTables(engine: "sqlite" | "mysql"): string[] {
  const sizes = new Map(mysqlTables().flatMap(({ name, columns }) => columns.map((column) => [`${name}.${column.name}`, /^varbinary\((\d+)\)$/.exec(column.type)?.[1]] as const)));
  return engine === "mysql" ? mysqlTables().map(createMysqlTable) : sqliteTables().flatMap((table) => createSqliteTable(table, sizes));
}

/** STRICT: a column holds what it says. The checks do what VARBINARY's length does on MySQL: refuse, and never cut. */
function createSqliteTable({ name, columns, primaryKey, indexes }: TableText, sizes: ReadonlyMap<string, string | undefined>): string[] {
  const lines = columns.map((column) => {
    const size = sizes.get(`${name}.${column.name}`);
    return `  ${column.name} ${column.type.toUpperCase()}${column.notNull ? " NOT NULL" : ""}${size === undefined ? "" : ` CHECK (octet_length(${column.name}) <= ${size})`}`;
  });
  return [
    `CREATE TABLE ${name} (\n${[...lines, `  PRIMARY KEY (${primaryKey.join(", ")})`].join(",\n")}\n) STRICT, WITHOUT ROWID`,
    ...indexes.map((index) => `CREATE INDEX ${index.name} ON ${name} (${index.columns.join(", ")})`),
  ];
}

/** One statement a table, which may be there already: a script that broke off half-way can be run again. */
function createMysqlTable({ name, columns, primaryKey, indexes }: TableText): string {
  const lines = columns.map((column) => `  ${column.name} ${column.type.toUpperCase()}${column.notNull ? " NOT NULL" : ""}`);
  const keys = indexes.map((index) => `  KEY ${index.name} (${index.columns.join(", ")})`);
  return `CREATE TABLE IF NOT EXISTS ${name} (\n${[...lines, `  PRIMARY KEY (${primaryKey.join(", ")})`, ...keys].join(",\n")}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`;
}

function sqliteTables(): TableText[] {
  return Object.values(sqliteDialect.tables).map((table) => toText(sqliteCore.getTableConfig(table)));
}

function mysqlTables(): TableText[] {
  const { getTableConfig } = loadMysqlCore();
  return Object.values(mysqlDialect.tables).map((table) => toText(getTableConfig(table as never)));
}

interface TableConfig {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly notNull: boolean; getSQLType(): string }[];
  readonly primaryKeys: readonly { readonly columns: readonly { readonly name: string }[] }[];
  readonly indexes: readonly { readonly config: { readonly name?: string; readonly columns: readonly unknown[] } }[];
}

function toText({ name, columns, primaryKeys, indexes }: TableConfig): TableText {
  return {
    name,
    columns: columns.map((column) => ({ name: column.name, type: column.getSQLType(), notNull: column.notNull })),
    primaryKey: primaryKeys.flatMap((key) => key.columns.map((column) => column.name)),
    indexes: indexes.map(({ config }) => ({ name: config.name ?? "", columns: config.columns.map((column) => (column as { readonly name: string }).name) })),
  };
}
