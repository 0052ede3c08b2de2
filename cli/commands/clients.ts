import type { Command } from "commander";
import { type ApiFlags, api } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { addClientFlags, type ClientJson, clientOf, type FlagValues, patchOf } from "../client-flags.ts";
import { forEach, requireNoneRefused } from "../each.ts";
import { inputName, readJsonInput } from "../input.ts";
import { ID_VIEW, type OutputFlags, printAll, printMany, printOne, type View } from "../output.ts";
import { nextPageToken } from "../page-token.ts";
import { apiCommand } from "./common.ts";

type Flags = ApiFlags & OutputFlags & FlagValues;

const list = (value: unknown, separator = ", "): string => (Array.isArray(value) ? value.join(separator) : "");
const text = (value: unknown): string => (typeof value === "string" ? value : "");

const VIEW: View<ClientJson> = {
  id: (client) => text(client.client_id),
  columns: {
    "CLIENT ID": (client) => text(client.client_id),
    "CLIENT SECRET": (client) => text(client.client_secret),
    "GRANT TYPES": (client) => list(client.grant_types),
    "RESPONSE TYPES": (client) => list(client.response_types),
    SCOPE: (client) => text(client.scope),
    AUDIENCE: (client) => list(client.audience, ","),
    "REDIRECT URIS": (client) => list(client.redirect_uris),
  },
};

const ONE = ["client"] as const;
const MANY = ["client", "clients", "oauth2-clients"] as const;
const FROM_FILE = "--file <file>";
const FILE_ABOUT = "a client in JSON, - for standard input; the other flags about the client are ignored";

/** Commands about OAuth 2.0 clients. */
export function clientCommands(parents: Readonly<Record<"create" | "get" | "list" | "update" | "delete" | "import", Command>>): void {
  addClientFlags(
    apiCommand(parents.create, "admin", "oauth2-client", "Create a client; prints its secret, this one time")
      .aliases(ONE)
      .option("--id <id>", "client_id; the server makes one when none is given")
      .option(FROM_FILE, FILE_ABOUT),
  ).action(create);

  apiCommand(parents.get, "admin", "oauth2-client", "Get clients by their ids").aliases(MANY).argument("<id...>").action(get);

  apiCommand(parents.list, "admin", "oauth2-clients", "List clients, page by page")
    .aliases(["clients", "client", "oauth2-client"])
    .option("--page-size <n>", "how many", "100")
    .option("--page-token <token>", "what the page before gave as the next page's token")
    .option("--owner <owner>", "only those of this owner")
    .option("--name <name>", "only those of this name")
    .action(listPage);

  addClientFlags(
    apiCommand(parents.update, "admin", "oauth2-client", "Change what the flags name, or with --file replace the whole client")
      .aliases(ONE)
      .argument("<id>")
      .option(FROM_FILE, FILE_ABOUT),
  ).action(update);

  apiCommand(parents.delete, "admin", "oauth2-client", "Delete clients; all that was issued to them ends").aliases(MANY).argument("<id...>").action(remove);
  apiCommand(parents.delete, "admin", "access-tokens", "End all access tokens of a client; refresh tokens live on").argument("<client-id>").action(deleteAccessTokens);
  apiCommand(parents.import, "admin", "oauth2-client", "Create clients from files of JSON arrays, or from standard input")
    .aliases(MANY)
    .argument("[file...]")
    .action(importClients);
}

async function create(flags: Flags): Promise<void> {
  const client = typeof flags.file === "string" ? readClient(flags.file) : { ...(typeof flags.id === "string" ? { client_id: flags.id } : {}), ...clientOf(flags) };
  await printOne(flags, VIEW, await call(flags, "POST", "/admin/clients", client));
}

async function get(ids: readonly string[], flags: Flags): Promise<void> {
  const outcome = await forEach(ids, String, (id) => call(flags, "GET", path(id)));
  await printAll(flags, VIEW, outcome.done);
  requireNoneRefused(outcome);
}

async function listPage(flags: Flags): Promise<void> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ page_size: flags.pageSize, page_token: flags.pageToken, owner: flags.owner, client_name: flags.name }))
    if (typeof value === "string") query.set(name, value);
  const { body, headers } = await api(flags, "GET", `/admin/clients?${query}`);
  if (!Array.isArray(body)) throw new CliError("The server's answer is no list of clients. Is the endpoint really the admin port?");
  const next = nextPageToken(headers.link);
  await printMany(flags, VIEW, body as ClientJson[], { items: body as unknown, next_page_token: next, is_last_page: next === "" }, [
    ["NEXT PAGE TOKEN", next],
    ["IS LAST PAGE", String(next === "")],
  ]);
}

async function update(id: string, flags: Flags): Promise<void> {
  if (typeof flags.file === "string") return printOne(flags, VIEW, await call(flags, "PUT", path(id), readClient(flags.file)));
  const patch = patchOf(flags);
  if (patch.length === 0) throw new CliError("Nothing is to be changed. Give at least one flag, such as --scope, or --file.");
  await printOne(flags, VIEW, await call(flags, "PATCH", path(id), patch));
}

async function remove(ids: readonly string[], flags: Flags): Promise<void> {
  const outcome = await forEach(ids, String, async (id) => {
    await api(flags, "DELETE", path(id));
    return id;
  });
  if (outcome.done.length > 0) await printMany(flags, ID_VIEW, outcome.done);
  requireNoneRefused(outcome);
}

async function deleteAccessTokens(clientId: string, flags: Flags): Promise<void> {
  await api(flags, "DELETE", `/admin/oauth2/tokens?${new URLSearchParams({ client_id: clientId })}`);
  await printMany(flags, ID_VIEW, [clientId]);
}

async function importClients(files: readonly string[], flags: Flags): Promise<void> {
  const clients = (files.length === 0 ? ["-"] : files).flatMap(readClients);
  const outcome = await forEach(
    clients,
    (client) => text(client.client_id) || "(no client_id)",
    (client) => call(flags, "POST", "/admin/clients", client),
  );
  if (outcome.done.length > 0) await printMany(flags, VIEW, outcome.done);
  requireNoneRefused(outcome);
}

async function call(flags: Flags, method: string, where: string, body?: unknown): Promise<ClientJson> {
  return (await api(flags, method, where, body)).body as ClientJson;
}

function path(id: string): string {
  return `/admin/clients/${encodeURIComponent(id)}`;
}

function readClient(file: string): ClientJson {
  return requireObject(readJsonInput(file), file);
}

function readClients(file: string): readonly ClientJson[] {
  const value = readJsonInput(file);
  return (Array.isArray(value) ? (value as unknown[]) : [value]).map((each) => requireObject(each, file));
}

function requireObject(value: unknown, file: string): ClientJson {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CliError(`${inputName(file)} holds something that is no client: a client is a JSON object.`);
  return value as ClientJson;
}
