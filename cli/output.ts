import { CliError } from "./cli-error.ts";
import { byJsonPath, byJsonPointer } from "./select.ts";

/** Flags of every command that prints. */
export interface OutputFlags {
  readonly format?: string;
  readonly quiet?: boolean;
}

/** How a thing looks as a table: columns by their heads, and what identifies it. */
export interface View<T> {
  readonly columns: Readonly<Record<string, (item: T) => string>>;
  readonly id: (item: T) => string;
}

/** Things that are known by their ids alone. */
export const ID_VIEW: View<string> = { id: (id) => id, columns: { ID: (id) => id } };

/** Formats that `--format` takes; after `=` stands a path. */
export const FORMATS = ["table", "json", "json-pretty", "yaml", "jsonpath=", "jsonpointer="] as const;

/** Prints one thing: its columns one under the other. */
export async function printOne<T>(flags: OutputFlags, view: View<T>, item: T, json: unknown = item): Promise<void> {
  if (flags.quiet === true) return print(view.id(item));
  if (!isTable(flags)) return print(await render(flags, json));
  const entries = Object.entries(view.columns);
  const width = Math.max(...entries.map(([head]) => head.length));
  print(entries.map(([head, value]) => `${head.padEnd(width)}  ${cell(value(item))}`).join("\n"));
}

/** Prints many things: a head and a row each; then what is to be said of all. */
export async function printMany<T>(
  flags: OutputFlags,
  view: View<T>,
  items: readonly T[],
  json: unknown = items,
  footer: readonly (readonly [string, string])[] = [],
): Promise<void> {
  if (flags.quiet === true) return print(items.map(view.id).join("\n"));
  if (!isTable(flags)) return print(await render(flags, json));
  const heads = Object.keys(view.columns);
  const rows = items.map((item) => Object.values(view.columns).map((value) => cell(value(item))));
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((each, i) => each.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  const nameWidth = Math.max(0, ...footer.map(([name]) => name.length));
  print([line(heads), ...rows.map(line), ...(footer.length > 0 ? ["", ...footer.map(([name, value]) => `${name.padEnd(nameWidth)}  ${cell(value)}`)] : [])].join("\n"));
}

/** One alone, or many. */
export async function printAll<T>(flags: OutputFlags, view: View<T>, items: readonly T[], json?: unknown): Promise<void> {
  const [only] = items;
  if (items.length === 1 && only !== undefined) await printOne(flags, view, only, json);
  else if (items.length > 0) await printMany(flags, view, items, json);
}

/** Prints a value in a format that is not a table. */
export async function printJson(flags: OutputFlags, value: unknown): Promise<void> {
  print(await render(flags, value));
}

/** What stands there may have come from anywhere: it must not move the cursor or fake a row. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\ufffd");
}

function cell(text: string): string {
  return text === "" ? "<empty>" : visible(text);
}

function isTable({ format }: OutputFlags): boolean {
  return format === undefined || format === "table";
}

async function render({ format = "" }: OutputFlags, value: unknown): Promise<string> {
  const [name = "", path = ""] = /^(jsonpath|jsonpointer)=(.*)$/s.exec(format)?.slice(1) ?? [format];
  switch (name) {
    case "json":
      return JSON.stringify(value);
    case "json-pretty":
      return JSON.stringify(value, null, 2);
    case "yaml":
      return (await import("yaml")).stringify(value).trimEnd();
    case "jsonpath":
      return scalarOrJson(await byJsonPath(path, value));
    case "jsonpointer":
      return scalarOrJson(byJsonPointer(path, value));
    default:
      throw new CliError(`The format '${format}' is not known. Use one of: ${FORMATS.join(", ")}.`);
  }
}

function scalarOrJson(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function print(text: string): void {
  if (text !== "") process.stdout.write(`${text}\n`);
}
