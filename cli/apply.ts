import { type ApiFlags, api } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { type Applied, type Change, changeOf, printChanges } from "./client-changes.ts";
import type { ClientJson } from "./client-flags.ts";
import { type DeclaredClient, LABEL, readDeclared } from "./declared.ts";
import type { OutputFlags } from "./output.ts";
import { nextPageToken } from "./page-token.ts";
import { applyClient } from "./put-client.ts";

/** Flags of `apply`. */
export type ApplyFlags = ApiFlags &
  OutputFlags & {
    readonly file: readonly string[];
    readonly name: string;
    readonly dryRun?: boolean;
    readonly prune?: boolean;
    readonly takeOver?: boolean;
    readonly detailedExitcode?: boolean;
  };

/** Exit code of `--detailed-exitcode` where something was, or would be, changed. */
const CHANGED = 2;

/**
 * Makes the clients of a server be what files declare. All is looked at before the first is changed, so what is wrong
 * anywhere leaves everything as it is.
 * @throws CliError with a line for each thing that is wrong: file, line, document, member
 */
export async function apply(flags: ApplyFlags): Promise<void> {
  const { clients, issues } = readDeclared(flags.file, flags.name);
  const planned: Change[] = [];
  const wrong = [...issues];
  for (const client of clients) {
    const plan = await ask(flags, client, true);
    if ("refused" in plan) wrong.push(plan.refused);
    else {
      const owner = labelOf(plan.before);
      if (owner !== undefined && owner !== flags.name && flags.takeOver !== true)
        wrong.push(`${client.placeOf("client_id")}: '${client.clientId}' is looked after by writ apply --name ${owner}; --take-over makes it belong to '${flags.name}'`);
      planned.push(changeOf(client.clientId, plan));
    }
  }
  if (wrong.length > 0) throw new CliError(`${wrong.join("\n")}\nNothing was changed.`);
  if (clients.length === 0) throw new CliError("The files declare no client. Nothing was changed.");
  const pruned = flags.prune === true ? await idsToPrune(flags, new Set(clients.map(({ clientId }) => clientId))) : [];
  const changes = [...planned, ...pruned.map((id): Change => ({ kind: "client", id, action: "delete", differences: [] }))];
  if (flags.dryRun !== true) await carryOut(flags, clients, changes);
  await printChanges(flags, changes, flags.dryRun === true);
  if (flags.detailedExitcode === true && changes.some(({ action }) => action !== "none")) process.exitCode = CHANGED;
}

async function carryOut(flags: ApplyFlags, clients: readonly DeclaredClient[], changes: readonly Change[]): Promise<void> {
  let done = 0;
  for (const { id, action } of changes) {
    const client = clients.find(({ clientId }) => clientId === id);
    try {
      if (client !== undefined && action !== "none") {
        const applied = await ask(flags, client, false);
        if ("refused" in applied) throw new CliError(applied.refused);
      } else if (action === "delete") await api(flags, "DELETE", `/admin/clients/${encodeURIComponent(id)}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new CliError(`${why}\n${done} of ${changes.length} clients were done before this one; the rest is as it was. Run it again once this is mended.`);
    }
    done++;
  }
}

/** What applying a client would come to, or has come to; or why the server does not take it, with its place. */
async function ask(flags: ApplyFlags, { clientId, json, placeOf }: DeclaredClient, dryRun: boolean): Promise<Applied | { readonly refused: string }> {
  const applied = await applyClient(flags, clientId, { client: json, dry_run: dryRun });
  if (!("refused" in applied)) return applied;
  const member = Object.keys(json).find((name) => new RegExp(`\\b${name}\\b`).test(applied.refused));
  return { refused: `${placeOf(member)}: ${clientId}: ${applied.refused}` };
}

function labelOf(client: ClientJson | undefined): string | undefined {
  const label = (client?.metadata as Readonly<Record<string, unknown>> | undefined)?.[LABEL];
  return typeof label === "string" ? label : undefined;
}

/** Clients that this `--name` looks after and no file declares any more. */
async function idsToPrune(flags: ApplyFlags, declared: ReadonlySet<string>): Promise<string[]> {
  const found: string[] = [];
  for (let token = ""; ; ) {
    const { body, headers } = await api(flags, "GET", `/admin/clients?${new URLSearchParams({ page_size: "500", ...(token === "" ? {} : { page_token: token }) })}`);
    if (!Array.isArray(body)) throw new CliError("The server's answer is no list of clients. Is the endpoint really the admin port?");
    for (const client of body as readonly ClientJson[])
      if (labelOf(client) === flags.name && typeof client.client_id === "string" && !declared.has(client.client_id)) found.push(client.client_id);
    token = nextPageToken(headers.link);
    if (token === "") return found;
  }
}
