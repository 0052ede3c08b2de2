import { type DescField, type DescMessage, fromJson, getOption, type JsonObject, type JsonValue, type Message, ScalarType } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { json as jsonOption } from "#gen/writ/options_pb.ts";

/** A value of a field, ready to be put in a message. */
export type FieldValue = string | number | boolean | readonly FieldValue[] | Message;

/**
 * Reads JSON as a message: members that the contract does not know are ignored, null is absent.
 * @throws ConnectError invalid_argument naming the member that does not fit
 */
export function decodeMessage(schema: DescMessage, value: JsonValue): Message {
  if (!isObject(value)) throw invalid(`the body is no JSON object but ${kindOf(value)}`);
  try {
    return fromJson(schema, gatherInline(schema, value), { ignoreUnknownFields: true });
  } catch (error) {
    throw invalid(explain(error));
  }
}

/** Reads a JSON list of messages. @throws ConnectError invalid_argument naming what does not fit */
export function decodeList(schema: DescMessage, value: JsonValue): Message[] {
  if (!Array.isArray(value)) throw invalid(`the body is no JSON array but ${kindOf(value)}`);
  return value.map((item) => decodeMessage(schema, item));
}

/** Parses a body. @throws ConnectError invalid_argument */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = new TextDecoder("utf-8", { fatal: false }).decode(bytes);
  // A member of this name would become the prototype of the object that holds it.
  if (text.includes('"__proto__"')) throw invalid("'__proto__' is no name of a member");
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw invalid("the body is no JSON");
  }
}

/**
 * Reads the text of a path segment, query parameter or form field by the type of the field.
 * @throws ConnectError invalid_argument naming the parameter
 */
export function decodeText(field: DescField, texts: readonly string[]): FieldValue {
  if (field.fieldKind === "list") return texts.map((text) => decodeScalar(field.name, field.listKind === "scalar" ? field.scalar : ScalarType.STRING, text));
  if (texts.length > 1) throw invalid(`'${field.name}' is sent more than once`);
  return decodeScalar(field.name, field.fieldKind === "scalar" ? field.scalar : ScalarType.STRING, texts[0] ?? "");
}

function decodeScalar(name: string, scalar: ScalarType, text: string): FieldValue {
  switch (scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      if (text !== "true" && text !== "false") throw invalid(`'${name}' is neither true nor false`);
      return text === "true";
    default:
      if (!/^-?\d{1,10}$/.test(text)) throw invalid(`'${name}' is no number`);
      return Math.max(-2147483648, Math.min(2147483647, Number(text)));
  }
}

/** Members of an inline message stand in its parent in JSON; they are moved to where the message has them. */
function gatherInline(schema: DescMessage, value: JsonObject): JsonObject {
  const inline = schema.fields.find((field) => field.fieldKind === "message" && getOption(field, jsonOption).inline);
  if (inline === undefined || inline.fieldKind !== "message") return value;
  const inner: JsonObject = {};
  const outer: JsonObject = {};
  const names = new Set(inline.message.fields.map((field) => field.name));
  for (const [name, each] of Object.entries(value)) {
    if (names.has(name)) inner[name] = each;
    else if (name !== inline.name && name !== inline.jsonName) outer[name] = each;
  }
  return { ...outer, [inline.name]: inner };
}

/** The library names the field with its message and the value that it got; callers know members. */
function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  const [, name, why = ""] = /field (?:[\w.]+\.)?(\w+) from JSON(?::\s*(.*))?$/s.exec(text) ?? [];
  if (name === undefined) return "the body does not fit what is asked for";
  return `'${name}' ${why === "" ? "does not have the right type" : `does not fit: ${why}`}`.slice(0, 300);
}

function kindOf(value: JsonValue): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): ConnectError {
  return new ConnectError(message, Code.InvalidArgument);
}
