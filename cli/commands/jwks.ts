import type { Command } from "commander";
import { type ApiFlags, api } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { forEach, requireNoneRefused } from "../each.ts";
import { ID_VIEW, type OutputFlags, printAll, printMany, type View } from "../output.ts";
import { type Jwk, readKeys } from "../read-keys.ts";
import { apiCommand } from "./common.ts";

interface SetKey extends Jwk {
  readonly set: string;
}

type Flags = ApiFlags & OutputFlags & { readonly alg?: string; readonly use?: string; readonly public?: boolean };

const VIEW: View<SetKey> = {
  id: (key) => key.kid ?? "",
  columns: { "SET ID": (key) => key.set, "KEY ID": (key) => key.kid ?? "", ALGORITHM: (key) => key.alg ?? "", USE: (key) => key.use ?? "" },
};

/** RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2. */
const PRIVATE_MEMBERS = new Set(["d", "p", "q", "dp", "dq", "qi", "oth", "k"]);

/** Commands about JSON Web Keys. */
export function jwkCommands(parents: Readonly<Record<"create" | "get" | "delete" | "import", Command>>): void {
  apiCommand(parents.create, "admin", "jwk", "Make a key in a set; a set that Writ signs with uses its newest key")
    .alias("jwks")
    .argument("<set>")
    .argument("[kid]")
    .option("--alg <alg>", "what the key is for, such as RS256, PS256, ES256, EdDSA", "RS256")
    .option("--use <use>", "sig or enc", "sig")
    .option("--public", "print public parts only")
    .action(create);
  apiCommand(parents.get, "admin", "jwk", "Get the keys of sets").alias("jwks").argument("<set...>").option("--public", "print public parts only").action(get);
  apiCommand(parents.delete, "admin", "jwk", "Delete sets of keys").alias("jwks").argument("<set...>").action(remove);
  apiCommand(parents.import, "admin", "jwk", "Put keys from files (PEM, DER, JWK, JWK set) or from standard input in a set")
    .alias("jwks")
    .argument("<set>")
    .argument("[file...]")
    .option("--use <use>", "sig or enc, where the file does not say", "sig")
    .option("--alg <alg>", "algorithm of the key, where the file does not say")
    .option("--public", "print public parts only")
    .action(importKeys);
}

async function create(set: string, kid: string | undefined, flags: Flags): Promise<void> {
  const { body } = await api(flags, "POST", path(set), { alg: flags.alg, use: flags.use, kid: kid ?? "" });
  await printSet(flags, set, keysIn(body));
}

async function get(sets: readonly string[], flags: Flags): Promise<void> {
  const outcome = await forEach(sets, String, async (set) => inSet(set, keysIn((await api(flags, "GET", path(set))).body)));
  const keys = outcome.done.flat();
  if (outcome.done.length > 0) await printAll(flags, VIEW, keys, { keys: keys.map((key) => shown(flags, key)) });
  requireNoneRefused(outcome);
}

async function remove(sets: readonly string[], flags: Flags): Promise<void> {
  const outcome = await forEach(sets, String, async (set) => {
    await api(flags, "DELETE", path(set));
    return set;
  });
  if (outcome.done.length > 0) await printMany(flags, ID_VIEW, outcome.done);
  requireNoneRefused(outcome);
}

/** All files are read before the first key is sent: a file that cannot be read leaves nothing half done. */
async function importKeys(set: string, files: readonly string[], flags: Flags): Promise<void> {
  const keys = (files.length === 0 ? ["-"] : files).flatMap((file) => readKeys(file, flags));
  const outcome = await forEach(
    keys,
    ({ kid }) => kid,
    async (key) => (await api(flags, "PUT", path(set, key.kid), key)).body as Jwk,
  );
  await printSet(flags, set, outcome.done);
  requireNoneRefused(outcome);
}

function printSet(flags: Flags, set: string, keys: readonly Jwk[]): Promise<void> {
  const shownKeys = inSet(set, keys);
  return printAll(flags, VIEW, shownKeys, { set, keys: shownKeys.map((key) => shown(flags, key)) });
}

function inSet(set: string, keys: readonly Jwk[]): SetKey[] {
  return keys.map((key) => ({ ...key, set }));
}

function shown(flags: Flags, key: SetKey): Jwk {
  return flags.public === true ? Object.fromEntries(Object.entries(key).filter(([name]) => !PRIVATE_MEMBERS.has(name))) : key;
}

function keysIn(body: unknown): readonly Jwk[] {
  const { keys } = body as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new CliError("The server's answer is no set of keys. Is the endpoint really the admin port?");
  return keys as Jwk[];
}

function path(set: string, kid?: string): string {
  return `/admin/keys/${encodeURIComponent(set)}${kid === undefined ? "" : `/${encodeURIComponent(kid)}`}`;
}
