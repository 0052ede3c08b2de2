import { isDeepStrictEqual } from "node:util";
import type { ClientJson } from "./client-flags.ts";
import { type OutputFlags, printJson, visible } from "./output.ts";

/** What the admin API says that applying a client comes to. */
export interface Applied {
  readonly before?: ClientJson;
  readonly after: ClientJson;
  readonly changes_secret?: boolean;
}

/** One member that differs. Undefined on a side: it is not there. */
interface Difference {
  readonly member: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What happens to a client, a key or a trusted issuer. */
export interface Change {
  readonly kind: "client" | "key" | "issuer";
  /** `client_id`, or set or issuer and `kid` with a slash between. */
  readonly id: string;
  readonly action: "create" | "update" | "delete" | "none";
  readonly differences: readonly Difference[];
}

/** Members that tell nothing, or would tell a secret. */
const UNTOLD = new Set(["client_secret", "client_secret_expires_at", "created_at", "updated_at", "registration_access_token", "registration_client_uri"]);
/** Names of members in `metadata` whose values are nobody's to print. */
const SECRET_NAME = /secret|password|passwd|token|credential|private|api[_-]?key/i;
const HIDDEN = "(hidden)";
const SIGNS = { create: "+", update: "~", delete: "-", none: "=" } as const satisfies Record<Change["action"], string>;
const DONE = { create: "created", update: "changed", delete: "deleted", none: "unchanged" } as const satisfies Record<Change["action"], string>;
const TO_DO = { create: "to create", update: "to change", delete: "to delete", none: "unchanged" } as const satisfies Record<Change["action"], string>;

/** What the server's answer means for the client. */
export function changeOf(id: string, { before, after, changes_secret: changesSecret = false }: Applied): Change {
  const differences = differencesOf(flat(before ?? {}), flat(after));
  const all = changesSecret ? [...differences, { member: "client_secret", before: before === undefined ? undefined : HIDDEN, after: HIDDEN }] : differences;
  return {
    kind: "client",
    id,
    action: before === undefined ? "create" : all.length > 0 ? "update" : "none",
    differences: before === undefined ? all.filter(({ after: value }) => says(value)) : all,
  };
}

/** Prints changes: for people a line for each member, or in the wanted format. Secrets are in neither. */
export async function printChanges(flags: OutputFlags, changes: readonly Change[], isTrial: boolean): Promise<void> {
  const real = changes.filter(({ action }) => action !== "none");
  if (flags.quiet === true) return print(real.map(({ id }) => visible(id)));
  if (flags.format !== undefined && flags.format !== "table") return printJson(flags, { dry_run: isTrial, changes: changes.map(toJson) });
  const kinds = [...new Set(changes.map(({ kind }) => kind))];
  print([
    ...real.flatMap(linesOf),
    ...kinds.map((kind) =>
      summaryOf(
        changes.filter((each) => each.kind === kind),
        kind,
        isTrial ? TO_DO : DONE,
      ),
    ),
  ]);
}

function summaryOf(changes: readonly Change[], kind: Change["kind"], words: Readonly<Record<Change["action"], string>>): string {
  const counts = (Object.keys(SIGNS) as Change["action"][]).map((action) => ({ action, count: changes.filter((each) => each.action === action).length }));
  const parts = counts.filter(({ count }) => count > 0).map(({ action, count }) => `${count} ${words[action]}`);
  return `${changes.length} ${changes.length === 1 ? kind : `${kind}s`}: ${parts.join(", ")}.`;
}

function linesOf({ kind, id, action, differences }: Change): string[] {
  return [`${SIGNS[action]} ${kind === "client" ? "" : `${kind} `}${visible(id)}`, ...differences.map((each) => `    ${visible(lineOf(each))}`)];
}

function lineOf({ member, before, after }: Difference): string {
  const [from, to] = [textOf(before), textOf(after)];
  if (from === undefined) return `${member}: ${to ?? "null"}`;
  if (to === undefined) return `${member}: ${from} is taken away`;
  return from === to ? `${member}: ${from}, is changed` : `${member}: ${from} → ${to}`;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : value === HIDDEN ? HIDDEN : JSON.stringify(value);
}

function toJson({ kind, id, action, differences }: Change): unknown {
  return { kind, id, action, differences: Object.fromEntries(differences.map(({ member, before, after }) => [member, { before, after }])) };
}

function differencesOf(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): Difference[] {
  const members = [...new Set([...before.keys(), ...after.keys()])];
  return members
    .filter((member) => !isDeepStrictEqual(before.get(member), after.get(member)))
    .map((member) => ({ member, before: masked(member, before.get(member)), after: masked(member, after.get(member)) }));
}

/** The members that are told, those of `metadata` one by one. */
function flat(client: ClientJson): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [name, value] of Object.entries(client)) {
    if (UNTOLD.has(name)) continue;
    if (name === "metadata" && typeof value === "object" && value !== null) for (const [inner, each] of Object.entries(value)) found.set(`metadata.${inner}`, each);
    else found.set(name, value);
  }
  return found;
}

function masked(name: string, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (name.startsWith("metadata.") && SECRET_NAME.test(name)) return HIDDEN;
  if (!name.startsWith("metadata.") || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((each: unknown) => masked("metadata.", each));
  return Object.fromEntries(Object.entries(value).map(([inner, each]) => [inner, masked(`metadata.${inner}`, each)]));
}

/** Whether a member of a new client is worth a line. */
function says(value: unknown): boolean {
  return value !== null && value !== undefined && value !== "" && value !== false && !isDeepStrictEqual(value, []) && !isDeepStrictEqual(value, {});
}

function print(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`);
}
