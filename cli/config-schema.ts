import * as z from "zod";
import { configSchema } from "#lib/config.ts";

type Schema = z.core.$ZodType;

/** What a key holds, as far as text from the environment can be turned into it. */
export type Kind = "text" | "number" | "boolean" | "list" | "objects";

/** A key of the configuration that holds a value, and not further keys. */
export interface Leaf {
  readonly path: readonly string[];
  readonly kind: Kind;
}

/** Every key that holds a value, in the schema's order. */
export const LEAVES: readonly Leaf[] = leaves(configSchema, []);

/** The names below a key; empty where it holds a value. */
export function namesAt(path: readonly string[]): readonly string[] {
  let schema: Schema | undefined = unwrap(configSchema);
  for (const name of path) {
    if (schema instanceof z.ZodArray) schema = unwrap(schema.element);
    else if (schema instanceof z.ZodObject && Object.hasOwn(schema.shape, name)) schema = unwrap(schema.shape[name] as Schema);
    else return [];
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

function leaves(schema: Schema, path: readonly string[]): Leaf[] {
  const either = textOrObject(schema);
  // As text or level by level: what stands deeper comes later and wins.
  if (either !== undefined) return [{ path, kind: "text" }, ...leaves(either, path)];
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject) return Object.entries(inner.shape).flatMap(([name, each]) => leaves(each as Schema, [...path, name]));
  return [{ path, kind: kindOf(inner) }];
}

function kindOf(schema: Schema): Kind {
  if (schema instanceof z.ZodArray) return unwrap(schema.element) instanceof z.ZodObject ? "objects" : "list";
  const { type } = schema._zod.def;
  return type === "number" || type === "boolean" ? type : "text";
}

/** The object in whose place a single text may stand. */
function textOrObject(schema: Schema): Schema | undefined {
  const { innerType, in: before, out } = schema._zod.def as { readonly innerType?: Schema; readonly in?: Schema; readonly out?: Schema };
  if (innerType !== undefined) return textOrObject(innerType);
  return before?._zod.def.type === "transform" ? out : undefined;
}

/** What a default, an optional or a conversion is about. */
function unwrap(schema: Schema): Schema {
  const definition = schema._zod.def as { readonly type: string; readonly innerType?: Schema; readonly in?: Schema };
  if (definition.innerType !== undefined) return unwrap(definition.innerType);
  const object = textOrObject(schema);
  if (object !== undefined) return unwrap(object);
  return definition.type === "pipe" && definition.in !== undefined ? unwrap(definition.in) : schema;
}
