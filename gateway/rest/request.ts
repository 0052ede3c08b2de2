import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { type DescField, type DescMessage, getOption, type JsonValue } from "@bufbuild/protobuf";
import { json as jsonOption, type Rest } from "#gen/writ/options_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { parseForm, values } from "../http/form.ts";
import { makeDecoder } from "./decode.ts";
import { malformed } from "./malformed.ts";
import { decodeText } from "./scalar.ts";

/** Fields of a request message as they are gathered, by their names in code. */
export type Init = Record<string, unknown>;

const FORM = "application/x-www-form-urlencoded";
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/;

/** Reads the fields that come in the query, under their name or an alias. Elements of a list are repeated. */
export function makeQueryReader(fields: readonly DescField[]): (into: Init, query: string) => void {
  const named = fields.map((field) => ({ field, names: [field.name, ...getOption(field, jsonOption).aliases] }));
  return (into, query) => {
    const parameters = new URLSearchParams(query);
    for (const { field, names } of named) {
      const texts = names.flatMap((name) => parameters.getAll(name)).filter((text) => text !== "");
      if (texts.length > 0) into[field.localName] = decodeText(field, texts);
    }
  };
}

type BodyReader = (into: Init, request: IncomingMessage, body: Buffer) => void;

/** Reads the body as `(writ.rest).body` says: a form, the whole message, or one field of it, which may be a list. */
export function makeBodyReader(input: DescMessage, { body: name, form }: Rest): BodyReader {
  if (form) return makeFormReader(input);
  const decode = name === "*" ? makeWhole(input) : makeOne(input, name);
  return (into, request, body) => decode(into, readJson(request, body));
}

/** Reads a body that is JSON. @throws ConnectError by `malformed` for another content type and for what is no JSON */
export function readJson({ headers }: IncomingMessage, body: Buffer): JsonValue {
  if (!JSON_TYPE.test(mediaType(headers))) throw malformed("The request is not of the content type application/json");
  return parseJson(body);
}

function makeFormReader({ fields }: DescMessage): BodyReader {
  return (into, { headers }, body) => {
    if (mediaType(headers) !== FORM) throw new OAuthError("invalid_request", `The request is not of the content type ${FORM}`); // as a public endpoint says it
    const parameters = parseForm(body);
    for (const field of fields) {
      const texts = values(parameters, field.name);
      if (texts.length > 0) into[field.localName] = decodeText(field, texts);
    }
  };
}

function makeWhole(input: DescMessage): (into: Init, value: JsonValue) => void {
  const decode = makeDecoder(input);
  return (into, value) => Object.assign(into, decode(value, ""));
}

function makeOne(input: DescMessage, name: string): (into: Init, value: JsonValue) => void {
  const field = input.fields.find((each) => each.name === name);
  if (field?.message === undefined || (field.fieldKind !== "message" && field.fieldKind !== "list")) throw new Error(`${input.typeName}.${name} can be no body`);
  const decode = makeDecoder(field.message);
  const { localName, fieldKind } = field;
  return (into, value) => {
    if (fieldKind === "message") into[localName] = decode(value, "");
    else if (Array.isArray(value)) into[localName] = value.map((each, index) => decode(each, `[${index}]`));
    else throw malformed("The body is no JSON array");
  };
}

function mediaType({ "content-type": type = "" }: IncomingMessage["headers"]): string {
  const end = type.indexOf(";");
  return (end === -1 ? type : type.slice(0, end)).trim().toLowerCase();
}

function parseJson(body: Buffer): JsonValue {
  if (!isUtf8(body)) throw malformed("The body is not UTF-8");
  try {
    return JSON.parse(body.toString()) as JsonValue;
  } catch {
    throw malformed(body.length === 0 ? "The body is empty" : "The body is no JSON");
  }
}
