/** What can be bound to a placeholder. */
export type Param = string | number | Uint8Array | null;
/** A row: values in the order of the columns that were selected. */
export type Row = readonly unknown[];

/** One statement of a write, as the engines are asked to run it. */
export type Operation =
  | { readonly kind: "run"; readonly sql: string; readonly params: readonly Param[] }
  | { readonly kind: "insert"; readonly sql: string; readonly params: readonly Param[] }
  | { readonly kind: "rows"; readonly sql: string; readonly params: readonly Param[] };

/** What an operation came to: rows that matched, whether the row is new, rows read. */
export type Outcome = number | boolean | readonly Row[];

/**
 * A write as a list of statements, each of which may depend on what those before it came to. A generator, so that one text
 * serves both engines: SQLite runs it to its end in one go, MySQL awaits each statement.
 */
export type Steps<R> = Generator<Operation, R, Outcome>;

/** Runs a statement; how many rows its WHERE matched. */
export function* run(sql: string, ...params: readonly Param[]): Steps<number> {
  return (yield { kind: "run", sql, params }) as number;
}

/** Inserts a row; false: its key is taken, and nothing was written. */
export function* insert(sql: string, ...params: readonly Param[]): Steps<boolean> {
  return (yield { kind: "insert", sql, params }) as boolean;
}

/** Reads rows inside the write's transaction. */
export function* rows(sql: string, ...params: readonly Param[]): Steps<readonly Row[]> {
  return (yield { kind: "rows", sql, params }) as readonly Row[];
}
