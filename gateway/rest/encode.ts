import { type DescField, type DescMessage, getOption, isFieldSet, type Message, ScalarType, toJson } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { FeatureSet_FieldPresence, type Timestamp, timestampDate, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Empty, json as jsonOption } from "#gen/writ/options_pb.ts";

/** Writes a message as the admin REST API does. `nullLists`: in the answer to a write, where Hydra has null for an empty list. */
export type Encoder = (message: Message, nullLists?: boolean) => Record<string, unknown>;

type Members = Record<string, unknown>;
type FieldEncoder = (message: Members, into: Members, nullLists: boolean) => void;

const encoders = new Map<string, Encoder>();

/** The encoder of a message, made once: what a field looks like is decided here and not for each answer. */
export function makeEncoder(schema: DescMessage): Encoder {
  const known = encoders.get(schema.typeName);
  if (known !== undefined) return known;
  const fields = schema.fields.map((field) => makeField(schema, field));
  const encode: Encoder = (message, nullLists = false) => {
    const into: Members = {};
    for (const each of fields) each(message as unknown as Members, into, nullLists);
    return into;
  };
  encoders.set(schema.typeName, encode);
  return encode;
}

function makeField(schema: DescMessage, field: DescField): FieldEncoder {
  const { name } = field;
  const { empty, inline } = getOption(field, jsonOption);
  const value = makeValue(field);
  const read = reader(schema, field);
  const whenEmpty = emptyValue(field, empty);
  if (inline && field.fieldKind === "message") {
    const encode = makeEncoder(field.message);
    return (message, into, nullLists) => {
      const inner = read(message) as Message | undefined;
      if (inner !== undefined) Object.assign(into, encode(inner, nullLists));
      else if (empty === Empty.ZERO) Object.assign(into, encode({ $typeName: field.message.typeName } as Message, nullLists));
    };
  }
  return (message, into, nullLists) => {
    const found = read(message);
    if (found !== undefined) into[name] = value(found, nullLists);
    else if (empty === Empty.LIST) into[name] = nullLists ? null : [];
    else if (whenEmpty !== undefined) into[name] = whenEmpty;
  };
}

/** Reads a field; undefined: it holds nothing. */
function reader(schema: DescMessage, field: DescField): (message: Members) => unknown {
  const { localName } = field;
  if (field.oneof !== undefined) return (message) => (isFieldSet(message as unknown as Message, field) ? reflect(schema, message as unknown as Message).get(field) : undefined);
  if (field.fieldKind === "list") return (message) => ((message[localName] as readonly unknown[] | undefined)?.length ? message[localName] : undefined);
  if (field.presence === FeatureSet_FieldPresence.EXPLICIT || field.fieldKind === "message") return (message) => message[localName];
  return (message) => {
    const found = message[localName];
    return found === "" || found === 0 || found === false || found === 0n ? undefined : found;
  };
}

function emptyValue(field: DescField, empty: Empty): unknown {
  switch (empty) {
    case Empty.ARRAY:
      return Object.freeze([]);
    case Empty.NULL:
      return null;
    case Empty.ZERO:
      return field.fieldKind === "message" ? Object.freeze({}) : field.fieldKind === "scalar" ? ZEROS[field.scalar] ?? 0 : undefined;
    default:
      return undefined;
  }
}

/** What is not here is a number. */
const ZEROS: Readonly<Partial<Record<ScalarType, unknown>>> = { [ScalarType.BOOL]: false, [ScalarType.STRING]: "", [ScalarType.BYTES]: "" };

function makeValue(field: DescField): (value: unknown, nullLists: boolean) => unknown {
  if (field.fieldKind === "list") {
    if (field.listKind !== "message") return (value) => value;
    const each = messageValue(field.message);
    return (value, nullLists) => (value as readonly unknown[]).map((item) => each(item, nullLists));
  }
  if (field.fieldKind === "message") return messageValue(field.message);
  if (field.fieldKind === "scalar" && field.scalar === ScalarType.BYTES) return (value) => Buffer.from(value as Uint8Array).toString("base64");
  return (value) => value;
}

function messageValue(message: DescMessage): (value: unknown, nullLists: boolean) => unknown {
  switch (message.typeName) {
    case "google.protobuf.Struct":
      return (value) => value;
    case "google.protobuf.Value":
      return (value) => toJson(ValueSchema, value as never);
    case "google.protobuf.Timestamp":
      return (value) => timestampDate(value as Timestamp).toISOString().replace(/\.\d+Z$/, "Z");
    default: {
      const encode = makeEncoder(message);
      return (value, nullLists) => encode(value as Message, nullLists);
    }
  }
}
