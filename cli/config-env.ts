import { CliError } from "./cli-error.ts";
import type { Leaf } from "./config-schema.ts";

/** The environment, or what a test takes for it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A value that the environment sets, and the variable's name. */
export interface EnvironmentValue {
  readonly name: string;
  readonly value: unknown;
}

/** A key's name in the environment: in upper case, with `_` for dots, as Hydra spells it. */
export function environmentName({ path }: Leaf): string {
  return path.join("_").toUpperCase();
}

/**
 * What the environment says of a key. Lists: separated by commas, as JSON, or item by item as NAME_0, NAME_1, … An empty
 * variable says nothing: that is how deployment tools write "not set".
 * @throws CliError that names the variable, never its value
 */
export function readEnvironment(leaf: Leaf, env: Environment): EnvironmentValue | undefined {
  const name = environmentName(leaf);
  const text = env[name];
  switch (leaf.kind) {
    case "list":
    case "objects":
      return readItems(leaf, name, env) ?? readList(leaf, name, text);
    case "boolean":
      if (text === undefined || text === "") return undefined;
      if (!/^(true|false|1|0)$/i.test(text)) throw wrong(leaf, name, "must be true or false");
      return { name, value: /^(true|1)$/i.test(text) };
    case "number":
      if (text === undefined || text === "") return undefined;
      if (!/^-?\d{1,15}(\.\d+)?$/.test(text)) throw wrong(leaf, name, "must be a number");
      return { name, value: Number(text) };
    case "text":
      return text === undefined || text === "" ? undefined : { name, value: text };
  }
}

function readItems(leaf: Leaf, name: string, env: Environment): EnvironmentValue | undefined {
  const indexes = Object.keys(env)
    .filter((each) => each.startsWith(`${name}_`) && /^\d{1,4}$/.test(each.slice(name.length + 1)) && env[each] !== "")
    .map((each) => Number(each.slice(name.length + 1)))
    .toSorted((a, b) => a - b);
  if (indexes.length === 0) return undefined;
  // A gap would drop what stands behind it in silence: a secret that still opens tokens, say.
  const gap = indexes.findIndex((index, position) => index !== position);
  if (gap !== -1) throw wrong(leaf, `${name}_${indexes[gap]}`, `has a gap: ${name}_${gap} is not set`);
  return { name: `${name}_0`, value: indexes.map((index) => item(leaf, `${name}_${index}`, env[`${name}_${index}`] ?? "")) };
}

function readList(leaf: Leaf, name: string, text = ""): EnvironmentValue | undefined {
  if (leaf.kind === "objects" || text.trimStart().startsWith("[")) return text === "" ? undefined : { name, value: parseJson(leaf, name, text) };
  const items = text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  return items.length === 0 ? undefined : { name, value: items };
}

function item(leaf: Leaf, name: string, text: string): unknown {
  return leaf.kind === "objects" ? parseJson(leaf, name, text) : text;
}

function parseJson(leaf: Leaf, name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw wrong(leaf, name, "is no JSON");
  }
}

function wrong({ path }: Leaf, name: string, what: string): CliError {
  return new CliError(`environment ${name}: ${path.join(".")} ${what}`);
}
