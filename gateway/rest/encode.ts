import { type DescField, type DescMessage, getOption, type JsonValue, type Message, ScalarType, toJson } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, type Timestamp, timestampDate, type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Empty, json as jsonOption } from "#gen/writ/options_pb.ts";

/** Writes a message as the admin REST API does. `nullLists`: in the answer to a write, where Hydra has null for an empty list. */
export type Encoder = (message: Message, nullLists?: boolean) => Record<string, unknown>;

type Members = Readonly<Record<string, unknown>>;
type FieldEncoder = (message: Members, into: Record<string, unknown>, nullLists: boolean) => void;
type ValueEncoder = (value: unknown, nullLists: boolean) => unknown;

const encoders = new Map<string, Encoder>();
const NO_MEMBERS: Members = Object.freeze({});

/** The encoder of a message, made once: what a field looks like is decided here and not for each answer. */
export function makeEncoder(schema: DescMessage): Encoder {
  const known = encoders.get(schema.typeName);
  if (known !== undefined) return known;
  const write = makeMembers(schema);
  const encode: Encoder = (message, nullLists = false) => {
    const into: Record<string, unknown> = {};
    write(message as unknown as Members, into, nullLists);
    return into;
  };
  encoders.set(schema.typeName, encode);
  return encode;
}

/** All fields of a message, written into an object that is there. */
function makeMembers(schema: DescMessage): FieldEncoder {
  let fields: readonly FieldEncoder[] | undefined;
  return (message, into, nullLists) => {
    fields ??= schema.fields.map(makeField); // when first used, for a message may hold itself
    for (const each of fields) each(message, into, nullLists);
  };
}

function makeField(field: DescField): FieldEncoder {
  const { name } = field;
  const { empty, inline } = getOption(field, jsonOption);
  const read = makeReader(field);
  if (inline && field.fieldKind === "message") {
    const write = makeMembers(field.message);
    return (message, into, nullLists) => {
      const inner = (read(message) as Members | undefined) ?? (empty === Empty.ZERO ? NO_MEMBERS : undefined);
      if (inner !== undefined) write(inner, into, nullLists);
    };
  }
  const encode = makeValue(field);
  const whenEmpty = emptyValue(field, empty);
  return (message, into, nullLists) => {
    const found = read(message);
    if (found !== undefined) into[name] = encode(found, nullLists);
    else if (empty === Empty.LIST) into[name] = nullLists ? null : [];
    else if (whenEmpty !== undefined) into[name] = whenEmpty;
  };
}

/** Reads a field; undefined: it holds nothing. */
function makeReader(field: DescField): (message: Members) => unknown {
  const { localName, oneof } = field;
  if (oneof !== undefined)
    return (message) => {
      const chosen = message[oneof.localName] as { readonly case?: string; readonly value?: unknown } | undefined;
      return chosen?.case === localName ? chosen.value : undefined;
    };
  if (field.fieldKind === "list")
    return (message) => {
      const list = message[localName] as readonly unknown[] | undefined;
      return list === undefined || list.length === 0 ? undefined : list;
    };
  if (field.presence === FeatureSet_FieldPresence.EXPLICIT || field.fieldKind === "message") return (message) => message[localName];
  return (message) => {
    const found = message[localName];
    return found === "" || found === 0 || found === false || (found instanceof Uint8Array && found.length === 0) ? undefined : found;
  };
}

function emptyValue(field: DescField, empty: Empty): unknown {
  switch (empty) {
    case Empty.ARRAY:
      return Object.freeze([]);
    case Empty.NULL:
      return null;
    case Empty.ZERO:
      return field.fieldKind === "message" ? Object.freeze({}) : field.fieldKind === "scalar" ? (ZEROS[field.scalar] ?? 0) : undefined;
    default:
      return undefined;
  }
}

/** What is not here is a number. */
const ZEROS: Readonly<Partial<Record<ScalarType, unknown>>> = { [ScalarType.BOOL]: false, [ScalarType.STRING]: "", [ScalarType.BYTES]: "" };

function makeValue(field: DescField): ValueEncoder {
  if (field.fieldKind === "message") return makeMessage(field.message);
  if (field.fieldKind === "scalar") return makeScalar(field.scalar);
  if (field.fieldKind === "list" && field.listKind !== "enum") {
    const each = field.listKind === "message" ? makeMessage(field.message) : makeScalar(field.scalar);
    return (value, nullLists) => (value as readonly unknown[]).map((item) => each(item, nullLists));
  }
  throw new Error(`${field.parent.typeName}.${field.name}: the admin API has no JSON for this kind of field`);
}

function makeScalar(scalar: ScalarType): ValueEncoder {
  return scalar === ScalarType.BYTES ? (value) => Buffer.from(value as Uint8Array).toString("base64") : (value) => value;
}

function makeMessage(message: DescMessage): ValueEncoder {
  switch (message.typeName) {
    case "google.protobuf.Struct":
      return (value) => value; // a field of this type holds plain JSON already
    case "google.protobuf.Value":
      return (value): JsonValue => toJson(ValueSchema, value as Value);
    case "google.protobuf.Timestamp":
      return (value) =>
        timestampDate(value as Timestamp)
          .toISOString()
          .replace(/\.\d+Z$/, "Z");
    default: {
      const encode = makeEncoder(message);
      return (value, nullLists) => encode(value as Message, nullLists);
    }
  }
}
