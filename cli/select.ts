import { CliError } from "./cli-error.ts";

/**
 * What a JSONPath names (RFC 9535 in its common part); one value alone, or a list of several. A path that does not begin
 * with `$` is taken as Hydra takes it: names and numbers with dots between, `#` for each entry of a list.
 * @throws CliError when it names nothing
 */
export async function byJsonPath(path: string, value: unknown): Promise<unknown> {
  const { JSONPath } = await import("jsonpath-plus");
  const spelled = path.startsWith("$") ? path : `$.${path.replace(/(^|\.)#(?=\.|$)/g, "$1*")}`;
  let found: unknown;
  try {
    // `eval: false`: a path that was copied from somewhere must not run code.
    found = JSONPath({ path: spelled, json: value as object, eval: false, wrap: true });
  } catch (error) {
    throw new CliError(`The path '${path}' cannot be read: ${error instanceof Error ? error.message.split("\n")[0] : "it is no JSONPath"}.`);
  }
  const values = Array.isArray(found) ? (found as readonly unknown[]) : [];
  if (values.length === 0) throw new CliError(`Nothing is found at the path '${path}'.`);
  return values.length === 1 ? values[0] : values;
}

/** What a JSON Pointer names. @throws CliError when it names nothing @see RFC 6901 §4 */
export function byJsonPointer(pointer: string, value: unknown): unknown {
  const [before, ...steps] = pointer.split("/");
  if (before !== "") throw new CliError(`The pointer '${pointer}' does not begin with '/'.`);
  let at = value;
  for (const step of steps) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) throw new CliError(`Nothing is found at '${pointer}'.`);
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}
