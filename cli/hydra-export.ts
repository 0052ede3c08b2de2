import { parseAllDocuments } from "yaml";
import type { ClientJson } from "./client-flags.ts";
import { inputName, readInput } from "./input.ts";
import type { Jwk } from "./read-keys.ts";

/** A key of a set. */
export interface ExportedKey {
  readonly set: string;
  readonly kid: string;
  readonly jwk: Jwk;
}

/** An issuer that is trusted to sign assertions, with its key. */
export interface ExportedIssuer {
  readonly issuer: string;
  /** Empty: any. */
  readonly subject: string;
  readonly scope: readonly string[];
  readonly expiresAt: string;
  readonly key: ExportedKey;
}

/** What Hydra's files come to. */
export interface HydraExport {
  /** By `client_id`, each with the file that it is from. */
  readonly clients: ReadonlyMap<string, { readonly json: ClientJson; readonly file: string }>;
  /** Oldest first: the one that is put last is the newest, and signs. */
  readonly keys: readonly ExportedKey[];
  readonly issuers: readonly ExportedIssuer[];
  /** Things that cannot come along, and why. */
  readonly skipped: readonly string[];
  readonly issues: readonly string[];
}

interface Found {
  readonly clients: Map<string, { readonly json: ClientJson; readonly file: string }>;
  readonly secrets: Map<string, string>;
  readonly keys: ExportedKey[];
  readonly trusted: Thing[];
  readonly skipped: string[];
  readonly issues: string[];
}

type Thing = Readonly<Record<string, unknown>>;

/** What holds a certificate for Hydra's ports: Writ's are named by configuration. */
const TLS_SET = "hydra.https-tls";
const MAX_ALIASES = 0;

/**
 * Reads what `hydra list` and `hydra get` print as JSON or YAML, or what the admin API answers: clients, key sets, trusted issuers; and
 * rows of the table `hydra_client` with `id` and `client_secret`, whose hashes the API never shows.
 * @throws CliError when a file cannot be read
 */
export function readHydraExport(files: readonly string[], usualSet: string | undefined): HydraExport {
  const found: Found = { clients: new Map(), secrets: new Map(), keys: [], trusted: [], skipped: [], issues: [] };
  for (const file of files) {
    const parsed = parseAllDocuments(readInput(file).toString(), { prettyErrors: false });
    for (const document of Array.isArray(parsed) ? parsed : []) {
      if (document.errors.length > 0) found.issues.push(`${inputName(file)}: is neither JSON nor YAML: ${document.errors[0]?.message.split("\n")[0]}`);
      else classify(found, file, document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown, usualSet);
    }
  }
  for (const [id, secret] of found.secrets) {
    const client = found.clients.get(id);
    if (client === undefined) found.issues.push(`a client_secret is given for the client '${id}', which none of the files holds`);
    else found.clients.set(id, { ...client, json: { ...client.json, client_secret: secret } });
  }
  const issuers = found.trusted.flatMap((each) => trustedIssuer(found, each) ?? []);
  const ofIssuers = new Set(issuers.map(({ key }) => key));
  return { ...found, issuers, keys: found.keys.filter((key) => !ofIssuers.has(key)).toReversed() };
}

function classify(found: Found, file: string, value: unknown, usualSet: string | undefined): void {
  if (Array.isArray(value)) for (const each of value as readonly unknown[]) classify(found, file, each, usualSet);
  else if (value !== null && value !== undefined) classifyThing(found, file, value as Thing, usualSet);
}

function classifyThing(found: Found, file: string, thing: Thing, usualSet: string | undefined): void {
  const name = inputName(file);
  if (typeof thing !== "object") found.issues.push(`${name}: holds something that Hydra does not print`);
  else if (Array.isArray(thing.items)) classify(found, file, thing.items, usualSet);
  else if (Array.isArray(thing.keys)) for (const key of thing.keys as readonly Thing[]) addKey(found, name, key, textOf(key?.set) ?? textOf(thing.set) ?? usualSet);
  else if (typeof thing.kty === "string") addKey(found, name, thing, textOf(thing.set) ?? usualSet);
  else if (typeof thing.client_id === "string") addClient(found, file, thing.client_id, thing);
  else if (typeof thing.id === "string" && typeof thing.client_secret === "string") found.secrets.set(thing.id, thing.client_secret);
  else if (typeof thing.issuer === "string" && thing.expires_at !== undefined) found.trusted.push(thing);
  else found.issues.push(`${name}: holds something that is no client, no key set and no row of 'id' and 'client_secret'`);
}

function addClient(found: Found, file: string, id: string, json: Thing): void {
  const known = found.clients.get(id);
  if (known === undefined) found.clients.set(id, { json, file });
  else if (JSON.stringify(known.json) !== JSON.stringify(json)) found.issues.push(`${inputName(file)}: the client '${id}' is in ${inputName(known.file)} too, with other members`);
}

/** Hydra keeps the key of a trusted issuer in a set of the issuer's name; here it belongs to the issuer. */
function trustedIssuer(found: Found, { issuer, subject, scope, expires_at: expiresAt, public_key: named }: Thing): ExportedIssuer | undefined {
  const { set, kid } = (named ?? {}) as Thing;
  const key = found.keys.find((each) => each.set === set && each.kid === kid);
  if (key === undefined) {
    found.issues.push(
      `the trusted issuer '${String(issuer)}': its key '${String(kid)}' of the set '${String(set)}' is in none of the files: add what 'hydra get jwk' prints of that set`,
    );
    return undefined;
  }
  const scopes = Array.isArray(scope) ? scope.map(String) : [];
  return { issuer: String(issuer), subject: textOf(subject) ?? "", scope: scopes, expiresAt: String(expiresAt), key };
}

function addKey(found: Found, name: string, key: Thing | null, set: string | undefined): void {
  const kid = textOf(key?.kid);
  if (key === null || kid === undefined) found.issues.push(`${name}: holds a key without 'kid'`);
  else if (set === undefined) found.issues.push(`${name}: does not say which set the key '${kid}' belongs to; give --set`);
  else if (set === TLS_SET) found.skipped.push(`the key '${kid}' of ${TLS_SET}: name certificate and key by serve.*.tls`);
  else {
    const { set: _, ...jwk } = key;
    found.keys.push({ set, kid, jwk: jwk as Jwk });
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
