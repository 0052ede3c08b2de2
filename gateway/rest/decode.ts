import { create, type DescField, type DescMessage, fromJson, getOption, type JsonObject, type JsonValue, type Message, type ScalarType } from "@bufbuild/protobuf";
import { TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { json as jsonOption } from "#gen/writ/options_pb.ts";
import { isJsonObject } from "#lib/json.ts";
import { malformed } from "./malformed.ts";
import { decodeScalar } from "./scalar.ts";

/** A value of a field, ready to be put in a message. */
export type FieldValue = string | number | boolean | Uint8Array | JsonObject | readonly FieldValue[] | Message;

/**
 * Reads JSON as a message by Hydra's rules: names as in the contract, unknown members ignored, null is absent, a member of
 * another type refused. `path` is where the value stands; empty: it is the body.
 * @throws ConnectError invalid_argument naming the member that does not fit
 */
export type Decoder = (value: JsonValue, path: string) => Message;

type ReadField = (members: JsonObject, into: Record<string, unknown>, path: string) => void;
type ReadValue = (value: JsonValue, path: string) => FieldValue;

/** How deep free JSON may nest: well within what a protobuf reader takes, at three messages a level. */
const MAX_DEPTH = 30;

const decoders = new Map<string, Decoder>();

/** The decoder of a message, made once. @throws Error for a kind of field that the admin API has no JSON for */
export function makeDecoder(schema: DescMessage): Decoder {
  const known = decoders.get(schema.typeName);
  if (known !== undefined) return known;
  const fields: ReadField[] = [];
  const decode: Decoder = (value, path) => {
    if (!isJsonObject(value)) throw malformed(`${describe(path)} is no JSON object but ${kindOf(value)}`);
    const init: Record<string, unknown> = {};
    for (const each of fields) each(value, init, path);
    return create(schema, init);
  };
  decoders.set(schema.typeName, decode); // before its fields, for a message may hold itself
  fields.push(...schema.fields.map(makeField));
  return decode;
}

function makeField(field: DescField): ReadField {
  const { name, localName } = field;
  if (field.fieldKind === "message" && getOption(field, jsonOption).inline) {
    const decode = makeDecoder(field.message);
    return (members, into, path) => {
      into[localName] = decode(members, path);
    };
  }
  const read = makeValue(field);
  const isFree = field.fieldKind === "message" && field.message.typeName === ValueSchema.typeName;
  const place = makePlace(field);
  return (members, into, path) => {
    // Only what was sent: a member called `constructor` must not be found in every object.
    if (!Object.hasOwn(members, name)) return;
    const value = members[name];
    if (value === undefined || (!isFree && (value === null || value === ""))) return; // both are "not set", but for a value that may be anything
    place(into, read(value, path === "" ? name : `${path}.${name}`));
  };

  function makePlace({ oneof }: DescField): (into: Record<string, unknown>, value: FieldValue) => void {
    if (oneof === undefined)
      return (into, value) => {
        into[localName] = value;
      };
    return (into, value) => {
      into[oneof.localName] = { case: localName, value };
    };
  }
}

function makeValue(field: DescField): ReadValue {
  if (field.fieldKind === "scalar") return makeScalar(field.scalar);
  if (field.fieldKind === "message") return makeMessage(field.message);
  if (field.fieldKind === "list" && field.listKind !== "enum") {
    const each = field.listKind === "message" ? makeMessage(field.message) : makeScalar(field.scalar);
    return (value, path) => {
      if (!Array.isArray(value)) throw malformed(`${describe(path)} is no JSON array but ${kindOf(value)}`);
      return value.map((item, index) => each(item, `${path}[${index}]`));
    };
  }
  throw new Error(`${field.parent.typeName}.${field.name}: the admin API has no JSON for this kind of field`);
}

function makeScalar(scalar: ScalarType): ReadValue {
  return (value, path) => decodeScalar(scalar, value, describe(path));
}

function makeMessage(message: DescMessage): ReadValue {
  switch (message.typeName) {
    case "google.protobuf.Struct":
      return (value, path) => {
        if (!isJsonObject(value)) throw malformed(`${describe(path)} is no JSON object but ${kindOf(value)}`);
        requireTame(value, path, 1);
        return value;
      };
    case ValueSchema.typeName:
      return (value, path) => {
        requireTame(value, path, 1);
        return fromJson(ValueSchema, value);
      };
    case TimestampSchema.typeName:
      return (value, path) => {
        try {
          return fromJson(TimestampSchema, value);
        } catch {
          throw malformed(`${describe(path)} is no time such as 2026-01-02T03:04:05Z (RFC 3339 §5.6)`);
        }
      };
    default: {
      const decode = makeDecoder(message);
      return (value, path) => decode(value, path);
    }
  }
}

/** Free JSON that can be kept and given back: bounded in depth, numbers that are some, no member that others take for a prototype. */
function requireTame(value: JsonValue, path: string, depth: number): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw malformed(`${describe(path)} is too large a number`);
  if (typeof value === "string" && !value.isWellFormed()) throw malformed(`${describe(path)} holds half a character`);
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) throw malformed(`${describe(path.slice(0, 60))} nests deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) requireTame(each, `${path}[${index}]`, depth + 1);
    return;
  }
  for (const [name, each] of Object.entries(value)) {
    if (name === "__proto__") throw malformed(`${describe(path)} has a member '__proto__', which is not allowed`);
    if (!name.isWellFormed()) throw malformed(`${describe(path)} has a member whose name holds half a character`);
    if (each !== undefined) requireTame(each, `${path}.${name}`, depth + 1);
  }
}

function describe(path: string): string {
  return path === "" ? "The body" : `'${path.slice(0, 200)}'`;
}

/** What a JSON value is, for a sentence that says what it should be. */
function kindOf(value: JsonValue): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}
