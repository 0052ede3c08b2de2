import type { Read, Statement, Values } from "./statement.ts";

/** What can be bound to a placeholder. */
export type Param = string | number | Uint8Array | null;
/** A row: values in the order of the columns that were selected. */
export type Row = readonly unknown[];

/** One statement of a write, as the engines are asked to run it. `insert`: a key that is taken is an outcome and no error. */
export interface Operation {
  readonly kind: "run" | "insert" | "rows";
  readonly sql: string;
  readonly params: readonly Param[];
}

/** What an operation came to: rows that matched, whether the row is new, rows read. */
export type Outcome = number | boolean | readonly Row[];

/**
 * A write as a list of statements, each of which may depend on what those before it came to. A generator, so that one text
 * serves both engines: SQLite runs it to its end in one go, MySQL awaits each statement.
 */
export type Steps<R> = Generator<Operation, R, Outcome>;

/** Runs a statement; how many rows its WHERE matched. */
export function* run({ sql, bind }: Statement, values: Values): Steps<number> {
  return (yield { kind: "run", sql, params: bind(values) }) as number;
}

/** Inserts a row; false: its key is taken, and nothing was written. */
export function* insert({ sql, bind }: Statement, values: Values): Steps<boolean> {
  return (yield { kind: "insert", sql, params: bind(values) }) as boolean;
}

/** Reads rows inside the write's transaction. */
export function* rows<R>(statement: Read<R>, values: Values): Steps<R[]> {
  const found = (yield { kind: "rows", sql: statement.sql, params: statement.bind(values) }) as readonly Row[];
  return found.map((row) => statement.decode(row));
}

/** Runs text that no query builder made: migrations. */
export function* runText(sql: string, ...params: readonly Param[]): Steps<number> {
  return (yield { kind: "run", sql, params }) as number;
}

/** Inserts a row by such text; false: its key is taken. */
export function* insertText(sql: string, ...params: readonly Param[]): Steps<boolean> {
  return (yield { kind: "insert", sql, params }) as boolean;
}
