import { isUtf8 } from "node:buffer";
import { OAuthError } from "#lib/errors.ts";
import { readBody } from "./body.ts";
import type { Exchange } from "./exchange.ts";

/** Parameters of a form or query, decoded, in their order; those without a value are left out (RFC 6749 §3.1). */
export type Parameters = readonly { readonly name: string; readonly value: string }[];

/** How parameters are read. */
export interface ParseOptions {
  /** Repeated parameters stay, for core to judge: whom to tell of them is known there. */
  readonly keepRepeated?: boolean;
}

/** Largest form of an OAuth request in bytes. */
const MAX_FORM = 65_536;
/** More than any request needs; each costs core a message. */
const MAX_PARAMETERS = 500;
const FORM = "application/x-www-form-urlencoded";
/** Parameters that may come more than once: Hydra's `audience`; RFC 8707 §2. */
const REPEATABLE = new Set(["audience", "resource"]);

/**
 * Reads the form of an OAuth request. Undefined: it was answered already, or nobody waits for an answer.
 * @throws OAuthError invalid_request for another content type, a broken encoding, a repeated parameter
 * @see RFC 6749 §3.2, App. B
 */
export async function readForm(exchange: Exchange, options: ParseOptions = {}): Promise<Parameters | undefined> {
  const [type = ""] = (exchange.request.headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== FORM) throw new OAuthError("invalid_request", `The request is not of the content type ${FORM}`);
  const bytes = await readBody(exchange, MAX_FORM);
  if (bytes === undefined) return undefined;
  return parseForm(bytes, options);
}

/** Reads the bytes of a form. @throws OAuthError invalid_request for a broken encoding or a repeated parameter */
export function parseForm(bytes: Uint8Array, options: ParseOptions = {}): Parameters {
  if (!isUtf8(bytes)) throw new OAuthError("invalid_request", "The form is not UTF-8");
  return parseParameters(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(), options);
}

/** Reads form-encoded parameters. @throws OAuthError invalid_request for a broken encoding or a repeated parameter */
export function parseParameters(text: string, { keepRepeated = false }: ParseOptions = {}): Parameters {
  const parameters: { name: string; value: string }[] = [];
  const seen = new Set<string>();
  for (const pair of text.split("&")) {
    const equals = pair.indexOf("=");
    const value = equals === -1 ? "" : decode(pair.slice(equals + 1));
    if (value === "") continue;
    const name = decode(pair.slice(0, equals));
    if (!keepRepeated && seen.has(name) && !REPEATABLE.has(name)) throw new OAuthError("invalid_request", `'${name.slice(0, 100)}' is sent more than once`); // RFC 6749 §3.2
    seen.add(name);
    if (parameters.push({ name, value }) > MAX_PARAMETERS) throw new OAuthError("invalid_request", `The request has more than ${MAX_PARAMETERS} parameters`);
  }
  return parameters;
}

/** The value of a parameter; empty: it is absent, which is the same. */
export function parameter(parameters: Parameters, name: string): string {
  for (const each of parameters) if (each.name === name) return each.value;
  return "";
}

/** All values of a parameter. */
export function values(parameters: Parameters, name: string): string[] {
  return parameters.filter((each) => each.name === name).map((each) => each.value);
}

function decode(text: string): string {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new OAuthError("invalid_request", "The form is not well encoded");
  }
}
