import type { JsonObject } from "@bufbuild/protobuf";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import { OAuthError } from "#lib/errors.ts";

/** Largest JSON that an app may hand over in one member, in bytes. */
const MAX_JSON = 65_536;

/** The text of what an app hands over, which by RPC can hold what JSON has no form for; empty: it handed over nothing. @throws OAuthError invalid_request naming the member */
export function writeJson(name: string, value: Value | undefined): string {
  if (value === undefined || value.kind.case === "nullValue") return "";
  try {
    return requireSize(name, toJsonString(ValueSchema, value));
  } catch (cause) {
    if (cause instanceof OAuthError) throw cause;
    throw new OAuthError("invalid_request", `'${name}' holds a value that JSON cannot write`, { cause });
  }
}

/** The same of an object. */
export function writeJsonObject(name: string, value: JsonObject | undefined): string {
  return value === undefined || Object.keys(value).length === 0
    ? ""
    : requireSize(
        name,
        JSON.stringify(value, (_, member) => requireNumber(name, member)),
      );
}

/** Reads what `writeJson` wrote. */
export function readJson(text: string): Value | undefined {
  return text === "" ? undefined : fromJsonString(ValueSchema, text);
}

/** Reads what `writeJsonObject` wrote. */
export function readJsonObject(text: string): JsonObject | undefined {
  return text === "" ? undefined : (JSON.parse(text) as JsonObject);
}

/** JSON.stringify makes null of what is no number, and says nothing. */
function requireNumber(name: string, member: unknown): unknown {
  if (typeof member === "number" && !Number.isFinite(member)) throw new OAuthError("invalid_request", `'${name}' holds a value that JSON cannot write`);
  return member;
}

function requireSize(name: string, text: string): string {
  if (Buffer.byteLength(text) > MAX_JSON) throw new OAuthError("invalid_request", `'${name}' is larger than ${MAX_JSON} bytes of JSON`);
  return text;
}
