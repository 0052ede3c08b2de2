import { create, type DescField, type DescMessage, isMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { StructSchema, TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";

/** A message with one field that is not as it should be. */
export interface Mutant {
  /** Path of the field and what stands there. */
  readonly what: string;
  readonly message: Message;
}

const LONG = "x".repeat(100_000);
const TEXTS = ["", "\u0000\r\n", "-1", "💥__proto__", LONG];
const SIGNED = [-1, -(2 ** 31), 2 ** 31 - 1];
const UNSIGNED = [2 ** 32 - 1, 2 ** 31];
const SCALARS: Readonly<Partial<Record<ScalarType, readonly unknown[]>>> = {
  [ScalarType.STRING]: TEXTS,
  [ScalarType.BYTES]: [new Uint8Array(), new Uint8Array([255]), new Uint8Array(100_000)],
  [ScalarType.BOOL]: [true],
  [ScalarType.INT32]: SIGNED,
  [ScalarType.UINT32]: UNSIGNED,
  [ScalarType.DOUBLE]: [Number.NaN, Number.POSITIVE_INFINITY, -1, 1e308],
};
const MAX_DEPTH = 4;

/** Free JSON by nesting so deep. */
function nest(levels: number): Message {
  let value = create(ValueSchema, { kind: { case: "numberValue", value: 1 } });
  for (let i = 0; i < levels; i++) value = create(ValueSchema, { kind: { case: "listValue", value: { values: [value] } } });
  return value;
}

/** What stands for messages that are no structure of ours. */
const WELL_KNOWN: Readonly<Record<string, () => readonly unknown[]>> = {
  [TimestampSchema.typeName]: () =>
    [
      { seconds: 2n ** 63n - 1n, nanos: 0 },
      { seconds: -(2n ** 63n), nanos: 0 },
      { seconds: 253_402_300_800n, nanos: 0 },
      { seconds: 0n, nanos: -1 },
      { seconds: 1n, nanos: 2 ** 31 - 1 },
    ].map((init) => create(TimestampSchema, init)),
  [StructSchema.typeName]: () => [{ a: Number.NaN }, { a: Number.POSITIVE_INFINITY }, { "": null }, { constructor: 1 }, { a: LONG }, { keys: 1 }, { keys: [1] }, { keys: [{}] }],
  [ValueSchema.typeName]: () =>
    [
      { kind: { case: "numberValue" as const, value: Number.NaN } },
      {},
      { kind: { case: "stringValue" as const, value: LONG } },
      { kind: { case: "nullValue" as const, value: 0 as const } },
    ]
      .map((init) => create(ValueSchema, init) as Message)
      .concat(nest(30)),
};

/** Every message that `base` becomes by one field that is not as it should be, at any depth. */
export function mutate(schema: DescMessage, base: Message = create(schema)): readonly Mutant[] {
  return mutateAt(schema, base, "", 1);
}

function mutateAt(schema: DescMessage, base: Message, path: string, depth: number): Mutant[] {
  return schema.fields.flatMap((field) => {
    const at = `${path}${field.name}`;
    const replaced = valuesOf(field).map(({ what, value }) => ({ what: `${at}: ${what}`, message: withField(schema, base, field, value) }));
    if (field.fieldKind !== "message" || depth >= MAX_DEPTH || WELL_KNOWN[field.message.typeName] !== undefined) return replaced;
    const found = (base as unknown as Record<string, unknown>)[field.localName];
    const inner = isMessage(found) ? found : create(field.message);
    return [...replaced, ...mutateAt(field.message, inner, `${at}.`, depth + 1).map(({ what, message }) => ({ what, message: withField(schema, base, field, message) }))];
  });
}

function withField(schema: DescMessage, base: Message, field: DescField, value: unknown): Message {
  const members = { ...(base as unknown as Record<string, unknown>) };
  if (field.oneof === undefined) members[field.localName] = value;
  else members[field.oneof.localName] = { case: field.localName, value };
  return create(schema, members as never);
}

function valuesOf(field: DescField): { readonly what: string; readonly value: unknown }[] {
  const show = (value: unknown): string => String(value instanceof Uint8Array ? `${value.length} bytes` : typeof value === "object" ? "odd" : value).slice(0, 30);
  const of = (scalar: ScalarType | undefined, message: DescMessage | undefined): readonly unknown[] => {
    if (scalar !== undefined) return SCALARS[scalar] ?? [];
    if (message === undefined) return [];
    return WELL_KNOWN[message.typeName]?.() ?? [create(message)];
  };
  if (field.fieldKind === "scalar") return of(field.scalar, undefined).map((value) => ({ what: JSON.stringify(show(value)), value }));
  if (field.fieldKind === "message") return of(undefined, field.message).map((value, n) => ({ what: `odd ${n}`, value }));
  if (field.fieldKind !== "list") return [];
  const items = of(field.listKind === "scalar" ? field.scalar : undefined, field.listKind === "message" ? field.message : undefined);
  const many = items[items.length > 1 ? 1 : 0];
  return [...items.map((item) => ({ what: `[${JSON.stringify(show(item))}]`, value: [item] })), { what: "10,000 of them", value: Array.from({ length: 10_000 }, () => many) }];
}
