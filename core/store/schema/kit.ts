/** A column, as both engines understand it. */
export interface Column {
  readonly type: "integer" | "text" | "bytes" | "document";
  /** Largest size in bytes; what is longer is refused, never cut. */
  readonly size: number;
  readonly nullable: boolean;
}

/** A table: primary key and indexes by the names of their columns. */
export interface Table {
  readonly name: string;
  readonly columns: Readonly<Record<string, Column>>;
  readonly primaryKey: readonly string[];
  readonly indexes: Readonly<Record<string, readonly string[]>>;
}

/** Epoch milliseconds, counters, small numbers. */
export const integer = (): Column => ({ type: "integer", size: 8, nullable: false });
/** Text that compares as bytes: `Alice` is not `alice`, and `a ` is not `a`. */
export const text = (size: number): Column => ({ type: "text", size, nullable: false });
/** Identifiers and hashes. */
export const bytes = (size: number): Column => ({ type: "bytes", size, nullable: false });
/** A `writ.store.v1` message in binary. */
export const document = (): Column => ({ type: "document", size: 16_777_215, nullable: false });
/** The same, or NULL. */
export const nullable = (column: Column): Column => ({ ...column, nullable: true });

const TYPES: Readonly<Record<"sqlite" | "mysql", Readonly<Record<Column["type"], (size: number) => string>>>> = {
  sqlite: { integer: () => "INTEGER", text: () => "TEXT", bytes: () => "BLOB", document: () => "BLOB" },
  mysql: { integer: () => "BIGINT", text: (size) => `VARBINARY(${size})`, bytes: (size) => `VARBINARY(${size})`, document: () => "MEDIUMBLOB" },
};

const TAIL = { sqlite: " STRICT, WITHOUT ROWID", mysql: " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4" } as const;

/** The statements that make a table. */
export function createTable(table: Table, engine: "sqlite" | "mysql"): string[] {
  const columns = Object.entries(table.columns).map(([name, { type, size, nullable }]) => `  ${name} ${TYPES[engine][type](size)}${nullable ? "" : " NOT NULL"}`);
  return [
    `CREATE TABLE ${table.name} (\n${columns.join(",\n")},\n  PRIMARY KEY (${table.primaryKey.join(", ")})\n)${TAIL[engine]}`,
    ...Object.entries(table.indexes).map(([name, over]) => `CREATE INDEX ${name} ON ${table.name} (${over.join(", ")})`),
  ];
}
