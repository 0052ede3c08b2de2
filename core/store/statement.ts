import type { Placeholder as DrizzlePlaceholder } from "drizzle-orm";
import type { Db } from "./db.ts";
import type { Dialect } from "./dialect.ts";
import { Param as BoundParam, Column, Placeholder, SQL, sql } from "./schema/drizzle.ts";
import type { Param, Row } from "./steps.ts";

/** Values by the names of their placeholders. */
export type Values = Readonly<Record<string, Param>>;

/** A query that drizzle has built. */
export interface Query {
  toSQL(): { readonly sql: string; readonly params: readonly unknown[] };
}

/** A SELECT that drizzle has built. `_.result` is there for the type alone. */
export interface SelectQuery<R> extends Query {
  readonly _: { readonly selectedFields: Readonly<Record<string, unknown>>; readonly result: R[] };
}

/** A statement that was built once and is run prepared. */
export interface Statement {
  readonly sql: string;
  /** Values in the order of the statement's question marks. */
  bind(values: Values): Param[];
}

/** A statement that reads rows. */
export interface Read<R> extends Statement {
  decode(row: Row): R;
}

/** Names a value that comes when the statement is run. */
export function value(name: string): DrizzlePlaceholder {
  return sql.placeholder(name);
}

/** Takes a query's text and the order of its values. */
export function compile(query: Query): Statement {
  const built = query.toSQL();
  const slots = built.params.map((param) => {
    const inner = param instanceof BoundParam ? param.value : param; // an INSERT wraps what it is given
    return inner instanceof Placeholder ? { name: inner.name, constant: null } : { name: undefined, constant: inner as Param };
  });
  return {
    sql: built.sql,
    bind: (values) =>
      slots.map((slot) => {
        if (slot.name === undefined) return slot.constant;
        const bound = values[slot.name];
        if (bound === undefined) throw new TypeError(`no value for '${slot.name}'`);
        return bound;
      }),
  };
}

/** The same of a SELECT, with its columns' decoders. */
export function compileRead<R>(query: SelectQuery<R>): Read<R> {
  const decoders = Object.entries(query._.selectedFields).map(([name, field]) => ({ name, decode: decoderOf(field) }));
  return {
    ...compile(query),
    decode(row) {
      const decoded: Record<string, unknown> = {};
      for (let i = 0; i < decoders.length; i++) {
        const { name, decode } = decoders[i] as (typeof decoders)[number]; // i is below the length
        const column = row[i];
        decoded[name] = column === null ? null : decode(column);
      }
      return decoded as R;
    },
  };
}

function decoderOf(field: unknown): (value: unknown) => unknown {
  if (field instanceof Column) return (column) => field.mapFromDriverValue(column);
  if (field instanceof SQL) return (column) => (field as unknown as { decoder: { mapFromDriverValue(column: unknown): unknown } }).decoder.mapFromDriverValue(column);
  throw new TypeError("only columns and expressions can be selected");
}

/** Statements of a module: built when one is first needed, once for each engine. */
export function statements<S>(build: (dialect: Dialect) => S): (db: Pick<Db, "driver">) => S {
  const built = new Map<Dialect, S>();
  return ({ driver: { dialect } }) => {
    const known = built.get(dialect);
    if (known !== undefined) return known;
    const made = build(dialect);
    built.set(dialect, made);
    return made;
  };
}

/** Statements that depend on a number, such as the length of a list; the callers see to it that there are few numbers. */
export function variants<S>(build: (n: number) => S): (n: number) => S {
  const built = new Map<number, S>();
  return (n) => {
    const known = built.get(n);
    if (known !== undefined) return known;
    const made = build(n);
    built.set(n, made);
    return made;
  };
}

/** Reads rows of a statement. */
export async function read<R>({ driver }: Pick<Db, "driver">, statement: Read<R>, values: Values): Promise<R[]> {
  return (await driver.read(statement.sql, statement.bind(values))).map((row) => statement.decode(row));
}

/** The next power of two: sizes of lists and pages come in few. */
export function roundUp(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(n, 1)));
}
