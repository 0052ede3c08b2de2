import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { type ApiFlags, api } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { type OutputFlags, printMany, printOne, type View } from "../output.ts";
import { apiCommand } from "./common.ts";

interface Jwk {
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
  readonly [member: string]: unknown;
}

interface SetKey extends Jwk {
  readonly set: string;
}

type Flags = ApiFlags & OutputFlags & { readonly alg?: string; readonly use?: string; readonly public?: boolean };

const VIEW: View<SetKey> = {
  id: (key) => key.kid ?? "",
  columns: { "SET ID": (key) => key.set, "KEY ID": (key) => key.kid ?? "", ALGORITHM: (key) => key.alg ?? "", USE: (key) => key.use ?? "" },
};

const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const path = (set: string, kid?: string): string => `/admin/keys/${encodeURIComponent(set)}${kid === undefined ? "" : `/${encodeURIComponent(kid)}`}`;

/** Commands about JSON Web Keys. */
export function jwkCommands(parents: Readonly<Record<"create" | "get" | "delete" | "import", Command>>): void {
  apiCommand(parents.create, "jwk", "Make a key in a set; a set that Writ signs with signs with its newest key")
    .alias("jwks")
    .argument("<set>")
    .argument("[kid]")
    .option("--alg <alg>", "RS256, PS256, ES256, EdDSA and their sizes", "RS256")
    .option("--use <use>", "sig or enc", "sig")
    .option("--public", "print public parts only")
    .action(async (set: string, kid: string | undefined, flags: Flags) => {
      const { body } = await api(flags, "POST", path(set), { alg: flags.alg, use: flags.use, kid: kid ?? "" });
      await printKeys(flags, set, (body as { keys: Jwk[] }).keys);
    });

  apiCommand(parents.get, "jwk", "Get the keys of sets")
    .alias("jwks")
    .argument("<set...>")
    .option("--public", "print public parts only")
    .action(async (sets: string[], flags: Flags) => {
      const keys: SetKey[] = [];
      for (const set of sets) keys.push(...((await api(flags, "GET", path(set))).body as { keys: Jwk[] }).keys.map((key) => ({ ...key, set })));
      await printAll(flags, keys, { keys: keys.map((key) => shown(flags, key)) });
    });

  apiCommand(parents.delete, "jwk", "Delete sets of keys")
    .alias("jwks")
    .argument("<set...>")
    .action(async (sets: string[], flags: Flags) => {
      for (const set of sets) await api(flags, "DELETE", path(set));
      await printMany(flags, { id: (id: string) => id, columns: { ID: (id: string) => id } }, sets);
    });

  apiCommand(parents.import, "jwk", "Put keys from files (PEM, JWK or JWK set), or from standard input, in a set")
    .alias("jwks")
    .argument("<set>")
    .argument("[file...]")
    .option("--use <use>", "sig or enc", "sig")
    .option("--alg <alg>", "algorithm of the keys, where the file does not say")
    .action(async (set: string, files: string[], flags: Flags) => {
      const keys = (files.length === 0 ? ["-"] : files).flatMap((file) => readKeys(file, flags));
      for (const key of keys) await api(flags, "PUT", path(set, key.kid), key);
      await printKeys(flags, set, keys);
    });
}

function printKeys(flags: Flags, set: string, keys: readonly Jwk[]): Promise<void> {
  const inSet = keys.map((key) => ({ ...key, set }));
  return printAll(flags, inSet, { set, keys: inSet.map((key) => shown(flags, key)) });
}

function printAll(flags: Flags, keys: readonly SetKey[], json: unknown): Promise<void> {
  const [only] = keys;
  return keys.length === 1 && only !== undefined ? printOne(flags, VIEW, only, json) : printMany(flags, VIEW, keys, json);
}

function shown(flags: Flags, key: SetKey): Record<string, unknown> {
  return Object.fromEntries(Object.entries(key).filter(([name]) => flags.public !== true || !PRIVATE_MEMBERS.includes(name)));
}

function readKeys(file: string, { alg, use }: Flags): (Jwk & { readonly kid: string })[] {
  const text = readText(file);
  const keys = text.includes("-----BEGIN") ? [fromPem(text, file)] : fromJson(text, file);
  return keys.map((key) => {
    const known = key.alg ?? alg;
    if (known === undefined) throw new CliError(`${file} does not say which algorithm its key is for. Give --alg, such as --alg RS256.`);
    return { ...key, use: key.use ?? use ?? "sig", alg: known, kid: key.kid ?? randomUUID() };
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new CliError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`);
  }
}

function fromPem(text: string, file: string): Jwk {
  const parse = (make: (text: string) => KeyObject): KeyObject | undefined => {
    try {
      return make(text);
    } catch {
      return undefined;
    }
  };
  const key = parse(createPrivateKey) ?? parse(createPublicKey);
  if (key === undefined) throw new CliError(`${file} holds no key that can be read. An encrypted key must be decrypted first.`);
  return key.export({ format: "jwk" }) as Jwk;
}

function fromJson(text: string, file: string): Jwk[] {
  try {
    const value = JSON.parse(text) as Jwk & { readonly keys?: Jwk[] };
    return Array.isArray(value.keys) ? value.keys : [value];
  } catch {
    throw new CliError(`${file} holds neither a PEM key nor a JWK.`);
  }
}
