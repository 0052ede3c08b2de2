import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { type ApiFlags, api } from "../api.ts";
import { CliError } from "../cli-error.ts";
import { addClientFlags, type ClientJson, clientOf, patchOf } from "../client-flags.ts";
import { type OutputFlags, printMany, printOne, type View } from "../output.ts";
import { apiCommand } from "./common.ts";

type Flags = ApiFlags & OutputFlags & Readonly<Record<string, unknown>>;

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

const ID_VIEW: View<string> = { id: (id) => id, columns: { ID: (id) => id } };
const path = (id: string): string => `/admin/clients/${encodeURIComponent(id)}`;

/** Commands about OAuth 2.0 clients. */
export function clientCommands(parents: Readonly<Record<"create" | "get" | "list" | "update" | "delete" | "import", Command>>): void {
  addClientFlags(
    apiCommand(parents.create, "oauth2-client", "Create a client; prints its secret, this one time")
      .alias("client")
      .option("--id <id>", "client_id; chosen by the server when not given")
      .option("--file <file>", "a client in JSON, - for standard input; other flags are ignored"),
  ).action(async (flags: Flags) => {
    const client =
      typeof flags.file === "string" ? parseClient(readText(flags.file), flags.file) : { ...clientOf(flags), ...(typeof flags.id === "string" ? { client_id: flags.id } : {}) };
    await printOne(flags, VIEW, (await api(flags, "POST", "/admin/clients", client)).body as ClientJson);
  });

  apiCommand(parents.get, "oauth2-client", "Get clients by their ids")
    .aliases(["client", "clients", "oauth2-clients"])
    .argument("<id...>")
    .action(async (ids: string[], flags: Flags) => {
      const clients = await Promise.all(ids.map(async (id) => (await api(flags, "GET", path(id))).body as ClientJson));
      const [only] = clients;
      if (clients.length === 1 && only !== undefined) await printOne(flags, VIEW, only);
      else await printMany(flags, VIEW, clients);
    });

  apiCommand(parents.list, "oauth2-clients", "List clients, page by page")
    .aliases(["clients", "client", "oauth2-client"])
    .option("--page-size <n>", "how many", "100")
    .option("--page-token <token>", "next page token of the page before")
    .option("--owner <owner>", "only those of this owner")
    .option("--name <name>", "only those of this name")
    .action(async (flags: Flags) => {
      const query = new URLSearchParams({
        page_size: text(flags.pageSize),
        ...(flags.pageToken === undefined ? {} : { page_token: text(flags.pageToken) }),
        ...(flags.owner === undefined ? {} : { owner: text(flags.owner) }),
        ...(flags.name === undefined ? {} : { client_name: text(flags.name) }),
      });
      const { body, headers } = await api(flags, "GET", `/admin/clients?${query}`);
      const next = new URLSearchParams(/[?]([^>]*)>;\s*rel="next"/.exec(headers.get("link") ?? "")?.[1] ?? "").get("page_token") ?? "";
      const clients = body as ClientJson[];
      await printMany(flags, VIEW, clients, { items: clients, next_page_token: next, is_last_page: next === "" }, [
        ["NEXT PAGE TOKEN", next],
        ["IS LAST PAGE", String(next === "")],
      ]);
    });

  addClientFlags(
    apiCommand(parents.update, "oauth2-client", "Change what the flags name, or with --file replace the client")
      .alias("client")
      .argument("<id>")
      .option("--file <file>", "a client in JSON, - for standard input; other flags are ignored"),
  ).action(async (id: string, flags: Flags) => {
    if (typeof flags.file === "string") return printOne(flags, VIEW, (await api(flags, "PUT", path(id), parseClient(readText(flags.file), flags.file))).body as ClientJson);
    const patch = patchOf(flags);
    if (patch.length === 0) throw new CliError("Nothing is to be changed. Give at least one flag, such as --scope, or --file.");
    await printOne(flags, VIEW, (await api(flags, "PATCH", path(id), patch)).body as ClientJson);
  });

  apiCommand(parents.delete, "oauth2-client", "Delete clients; all that was issued to them ends")
    .aliases(["client", "clients", "oauth2-clients"])
    .argument("<id...>")
    .action(async (ids: string[], flags: Flags) => {
      for (const id of ids) await api(flags, "DELETE", path(id));
      await printMany(flags, ID_VIEW, ids);
    });

  apiCommand(parents.delete, "access-tokens", "End all access tokens of a client; refresh tokens live on")
    .argument("<client-id>")
    .action(async (id: string, flags: Flags) => {
      await api(flags, "DELETE", `/admin/oauth2/tokens?${new URLSearchParams({ client_id: id })}`);
      await printMany(flags, ID_VIEW, [id]);
    });

  apiCommand(parents.import, "oauth2-client", "Create clients from files of JSON arrays, or from standard input")
    .aliases(["client", "clients", "oauth2-clients"])
    .argument("[file...]")
    .action(async (files: string[], flags: Flags) => {
      const sources = files.length === 0 ? ["-"] : files;
      const clients = sources.flatMap((file) => parseClients(readText(file), file));
      const imported: ClientJson[] = [];
      const failures: string[] = [];
      for (const client of clients)
        await api(flags, "POST", "/admin/clients", client).then(
          ({ body }) => imported.push(body as ClientJson),
          (error: unknown) => failures.push(`${text(client.client_id) || "(no id)"}: ${error instanceof Error ? error.message : String(error)}`),
        );
      if (imported.length > 0) await printMany(flags, VIEW, imported);
      if (failures.length > 0) throw new CliError(`${failures.join("\n")}\n${failures.length} of ${clients.length} clients were not imported.`);
    });
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new CliError(`${file === "-" ? "Standard input" : file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`);
  }
}

function parseClient(json: string, file: string): ClientJson {
  const value = parseJson(json, file);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CliError(`${file} holds no JSON object.`);
  return value as ClientJson;
}

function parseClients(json: string, file: string): ClientJson[] {
  const value = parseJson(json, file);
  return Array.isArray(value) ? (value as ClientJson[]) : [parseClient(json, file)];
}

function parseJson(json: string, file: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    throw new CliError(`${file === "-" ? "Standard input" : file} holds no JSON.`);
  }
}
