import { CliError } from "./cli-error.ts";

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

/** Prints one thing: its columns one under the other. */
export async function printOne<T>(flags: OutputFlags, view: View<T>, item: T, json: unknown = item): Promise<void> {
  if (flags.quiet === true) return print(view.id(item));
  if (!isTable(flags)) return print(await render(flags, json));
  const entries = Object.entries(view.columns);
  const width = Math.max(...entries.map(([head]) => head.length));
  print(entries.map(([head, value]) => `${head.padEnd(width)}  ${value(item) || "<empty>"}`).join("\n"));
}

/** Prints many things: a head and a row each. */
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
  const rows = items.map((item) => Object.values(view.columns).map((value) => value(item) || "<empty>"));
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  print([line(heads), ...rows.map(line), ...(footer.length > 0 ? ["", ...footer.map(([name, value]) => `${name}  ${value}`)] : [])].join("\n"));
}

/** Formats that `--format` takes. */
export const FORMATS = ["table", "json", "json-pretty", "yaml", "jsonpath=", "jsonpointer="] as const;

function isTable({ format }: OutputFlags): boolean {
  return format === undefined || format === "table";
}

async function render({ format = "" }: OutputFlags, value: unknown): Promise<string> {
  if (format === "json") return JSON.stringify(value);
  if (format === "json-pretty") return JSON.stringify(value, null, 2);
  if (format === "yaml") return (await import("yaml")).stringify(value).trimEnd();
  if (format.startsWith("jsonpath=")) return scalarOrJson(await byJsonPath(format.slice(9), value));
  if (format.startsWith("jsonpointer=")) return scalarOrJson(byPointer(format.slice(12), value));
  throw new CliError(`The format '${format}' is not known. Use one of: ${FORMATS.join(", ")}.`);
}

async function byJsonPath(path: string, value: unknown): Promise<unknown> {
  const { JSONPath } = await import("jsonpath-plus");
  // `eval: false`: a path never runs code. A bare name is Hydra's way to say $.name.
  const found = JSONPath({ path: path.startsWith("$") ? path : `$.${path}`, json: value as object, eval: false, wrap: true }) as unknown[];
  if (found.length === 0) throw new CliError(`Nothing is found at the path '${path}'.`);
  return found.length === 1 ? found[0] : found;
}

/** RFC 6901. */
function byPointer(pointer: string, value: unknown): unknown {
  const steps = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return steps.reduce<unknown>((at, step) => {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) throw new CliError(`Nothing is found at '${pointer}'.`);
    return (at as Record<string, unknown>)[step];
  }, value);
}

function scalarOrJson(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
