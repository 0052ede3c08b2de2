import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { CliError } from "./cli-error.ts";
import { inputName, readInput } from "./input.ts";

/** A JSON Web Key (RFC 7517 §4). */
export interface Jwk {
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
  readonly [member: string]: unknown;
}

/** What is taken for keys whose file does not say it. */
export interface KeyDefaults {
  readonly alg?: string;
  readonly use?: string;
}

/** A key that can be put in a set: it has an id, a use and an algorithm. */
export type NamedJwk = Jwk & Required<Pick<Jwk, "kid" | "alg" | "use">>;

/** Reads the keys of a file: PEM, DER, a JWK or a JWK set; `-` is standard input. @throws CliError that says what is missing */
export function readKeys(file: string, defaults: KeyDefaults): NamedJwk[] {
  const bytes = readInput(file);
  return (fromJson(bytes) ?? fromPem(bytes) ?? [fromDer(bytes, file)]).map((key) => {
    const alg = key.alg ?? defaults.alg;
    if (typeof alg !== "string") throw new CliError(`${inputName(file)} does not say which algorithm its key is for. Give --alg, such as --alg RS256.`);
    return { ...key, alg, use: key.use ?? defaults.use ?? "sig", kid: key.kid ?? randomUUID() };
  });
}

function fromJson(bytes: Buffer): Jwk[] | undefined {
  const value = parseJson(bytes.toString());
  if (typeof value !== "object" || value === null) return undefined;
  const { keys } = value as { readonly keys?: unknown };
  return Array.isArray(keys) ? (keys as Jwk[]) : [value as Jwk];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Every key of a PEM file; of one that holds certificates alone the key of the first, whose issuers the others are. */
function fromPem(bytes: Buffer): Jwk[] | undefined {
  const blocks = [...bytes.toString("latin1").matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g)].map(([text, label = ""]) => ({ text, label }));
  const keys = blocks.filter(({ label }) => label.endsWith("KEY"));
  const found = keys.length > 0 ? keys : blocks.slice(0, 1);
  const read = found.map(({ text }) => firstKey([() => createPrivateKey(text), () => createPublicKey(text)]));
  return read.length > 0 && read.every((key) => key !== undefined) ? read.map((key) => key.export({ format: "jwk" }) as Jwk) : undefined;
}

function fromDer(bytes: Buffer, file: string): Jwk {
  const key = firstKey(derReaders(bytes));
  if (key === undefined || key.type === "secret")
    throw new CliError(`${inputName(file)} holds no key that can be read: PEM, DER, a JWK or a JWK set. An encrypted key must be decrypted first.`);
  return key.export({ format: "jwk" }) as Jwk;
}

function derReaders(bytes: Buffer): (() => KeyObject)[] {
  return [
    () => createPrivateKey({ key: bytes, format: "der", type: "pkcs8" }),
    () => createPrivateKey({ key: bytes, format: "der", type: "pkcs1" }),
    () => createPrivateKey({ key: bytes, format: "der", type: "sec1" }),
    () => createPublicKey({ key: bytes, format: "der", type: "spki" }),
    () => createPublicKey({ key: bytes, format: "der", type: "pkcs1" }),
  ];
}

function firstKey(readers: readonly (() => KeyObject)[]): KeyObject | undefined {
  for (const read of readers) {
    try {
      return read();
    } catch {
      // the next form
    }
  }
  return undefined;
}
