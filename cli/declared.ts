import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isJsonObject } from "#lib/json.ts";
import { CLIENT_MEMBERS } from "#sdk/client-members.ts";
import type { ClientJson } from "./client-flags.ts";
import { closest } from "./closest.ts";
import { type DeclaredNode, readDocuments } from "./declared-documents.ts";

/** A client that a file declares. */
export interface DeclaredClient {
  readonly clientId: string;
  /** As the admin API takes it, its secret included. */
  readonly json: ClientJson;
  /** File, line and column, and the document if there are several: of a member, or of the client. */
  placeOf(member?: string): string;
}

/** What the files come to: clients, and a line for each thing that is wrong. */
export interface Declared {
  readonly clients: readonly DeclaredClient[];
  readonly issues: readonly string[];
}

/** What the server says of a client and nobody declares: `writ get client --format yaml` prints it. */
const SERVERS_OWN = new Set(["created_at", "updated_at", "client_secret_expires_at", "registration_access_token", "registration_client_uri"]);

/** Member of a client's `metadata` that says which `writ apply` looks after it. */
export const LABEL = "writ.apply";

/** Reads what files and the files of folders declare, with `label` in each client's metadata. @throws CliError for a file that cannot be read */
export function readDeclared(paths: readonly string[], label: string): Declared {
  const issues: string[] = [];
  const clients = new Map<string, DeclaredClient>();
  for (const file of paths.flatMap(filesAt))
    for (const node of readDocuments(file, issues)) {
      const client = readClient(file, node, label, issues);
      if (client === undefined) continue;
      const other = clients.get(client.clientId);
      if (other === undefined) clients.set(client.clientId, client);
      else issues.push(`${client.placeOf("client_id")}: client_id '${client.clientId}' is declared at ${other.placeOf("client_id")} too`);
    }
  return { clients: [...clients.values()], issues };
}

/** A folder stands for its YAML and JSON files, by name. */
function filesAt(path: string): string[] {
  if (path === "-" || statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return [path];
  const names = readdirSync(path).filter((name) => /\.(ya?ml|json)$/i.test(name));
  return names.toSorted().map((name) => join(path, name));
}

function readClient(file: string, { value, placeOf }: DeclaredNode, label: string, issues: string[]): DeclaredClient | undefined {
  const before = issues.length;
  const wrong = (member: string | undefined, what: string): void => void issues.push(`${placeOf(member)}: ${what}`);
  if (!isJsonObject(value)) {
    wrong(undefined, "is no client: a client is a mapping of its members");
    return undefined;
  }
  const { client_id: clientId } = value;
  if (typeof clientId !== "string" || clientId === "")
    wrong("client_id", `client_id ${clientId === undefined ? "is missing" : "must be text (in quotes, if it looks like a number)"}`);
  const json: Record<string, unknown> = {};
  for (const [member, given] of Object.entries(value)) {
    if (!CLIENT_MEMBERS.includes(member) && !SERVERS_OWN.has(member)) {
      const near = closest(member, CLIENT_MEMBERS);
      wrong(member, `${member} is no member of a client${near === undefined ? "" : `; did you mean ${near}?`}`);
    } else if (member === "client_secret") json[member] = readSecret(file, given, (what) => wrong(member, `client_secret ${what}`));
    else if (!SERVERS_OWN.has(member) && given !== null) json[member] = given;
  }
  const metadata = json.metadata ?? {};
  if (!isJsonObject(metadata)) wrong("metadata", "metadata must be a mapping");
  else if (Object.hasOwn(metadata, LABEL) && metadata[LABEL] !== label) wrong("metadata", `metadata has a member '${LABEL}' of its own: it belongs to writ apply`);
  else json.metadata = { ...metadata, [LABEL]: label };
  return issues.length > before || typeof clientId !== "string" ? undefined : { clientId, json, placeOf };
}

/** Text, or where it is: `{ env: NAME }`, `{ file: PATH }` (beside the file that names it). Nothing of it is ever shown. */
function readSecret(file: string, given: unknown, wrong: (what: string) => void): string | undefined {
  if (typeof given === "string" || given === null) return given ?? undefined;
  const [[kind, where] = [], ...more] = isJsonObject(given) ? Object.entries(given) : [];
  if (more.length > 0 || typeof where !== "string" || (kind !== "env" && kind !== "file")) wrong("must be text, {env: NAME} or {file: PATH}");
  else if (kind === "env") {
    const value = process.env[where];
    if (value === undefined || value === "") wrong(`is to come from the environment, where ${where} is not set`);
    return value;
  } else {
    try {
      return readFileSync(resolve(file === "-" ? "." : dirname(file), where), "utf8").replace(/\r?\n$/, "");
    } catch (error) {
      wrong(`is to come from ${where}, which cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
    }
  }
  return undefined;
}
