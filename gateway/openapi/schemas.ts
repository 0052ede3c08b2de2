import { type DescField, type DescMessage, getOption, ScalarType } from "@bufbuild/protobuf";
import { Empty, json as jsonOption } from "#gen/writ/options_pb.ts";
import { commentOf } from "./comments.ts";

/** A JSON Schema (draft 2020-12), which is what OpenAPI 3.1 takes. */
export type Schema = Readonly<Record<string, unknown>>;

/** Schemas by name, gathered as they are referred to. */
export interface Schemas {
  /** A reference to the schema of a message. */
  refTo(message: DescMessage): Schema;
  /** The schema of a field, with its comment. */
  ofField(field: DescField): Schema;
  /** All that were referred to, by name. */
  components(): Readonly<Record<string, Schema>>;
}

const SCALARS: Readonly<Partial<Record<ScalarType, Schema>>> = {
  [ScalarType.STRING]: { type: "string" },
  [ScalarType.BOOL]: { type: "boolean" },
  [ScalarType.BYTES]: { type: "string", contentEncoding: "base64" },
  [ScalarType.INT32]: { type: "integer", format: "int32" },
  [ScalarType.UINT32]: { type: "integer", minimum: 0, maximum: 4294967295 },
  [ScalarType.DOUBLE]: { type: "number" },
};

const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  "google.protobuf.Struct": { type: "object", additionalProperties: true },
  "google.protobuf.Value": {},
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
};

/** Makes the schemas of messages by the same options that the admin API writes them by. */
export function makeSchemas(): Schemas {
  const made = new Map<string, Schema>();
  const messages = new Map<string, DescMessage>();

  const refTo = (message: DescMessage): Schema => {
    const known = WELL_KNOWN[message.typeName];
    if (known !== undefined) return known;
    if ((messages.get(message.name) ?? message) !== message) throw new Error(`two messages are called ${message.name}: the document can have only one schema of that name`);
    if (!made.has(message.name)) {
      messages.set(message.name, message);
      made.set(message.name, {}); // holds the name while its fields are made, for a message may hold itself
      made.set(message.name, { type: "object", ...described(commentOf(message)), properties: Object.fromEntries(properties(message)) });
    }
    return { $ref: `#/components/schemas/${message.name}` };
  };

  const properties = (message: DescMessage): [string, Schema][] =>
    message.fields.flatMap((field): [string, Schema][] =>
      field.fieldKind === "message" && getOption(field, jsonOption).inline ? properties(field.message) : [[field.name, ofField(field)]],
    );

  const ofField = (field: DescField): Schema => {
    const { empty } = getOption(field, jsonOption);
    const value = ofValue(field);
    const type = value.type;
    const nullable = (empty === Empty.NULL || empty === Empty.LIST) && typeof type === "string" ? { ...value, type: [type, "null"] } : value;
    return { ...nullable, ...described(commentOf(field)) };
  };

  const ofValue = (field: DescField): Schema => {
    if (field.fieldKind === "message") return refTo(field.message);
    if (field.fieldKind === "scalar") return SCALARS[field.scalar] ?? unknown(field);
    if (field.fieldKind === "list" && field.listKind === "message") return { type: "array", items: refTo(field.message) };
    if (field.fieldKind === "list" && field.listKind === "scalar") return { type: "array", items: SCALARS[field.scalar] ?? unknown(field) };
    return unknown(field);
  };

  return { refTo, ofField, components: () => Object.fromEntries([...made].toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function described(comment: string): { readonly description?: string } {
  return comment === "" ? {} : { description: comment };
}

function unknown(field: DescField): never {
  throw new Error(`${field.parent.typeName}.${field.name} has no JSON schema`);
}
