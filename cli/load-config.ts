import { existsSync, readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { type Config, configSchema } from "#lib/config.ts";
import { closest } from "./closest.ts";

/** Where a configuration comes from; what comes later wins. */
export interface ConfigSources {
  /** YAML or JSON files, in their order. */
  readonly files: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** By dotted key, such as `dev`. */
  readonly flags: Readonly<Record<string, unknown>>;
}

type Tree = { [name: string]: unknown };

interface Leaf {
  readonly path: readonly string[];
  readonly schema: z.core.$ZodType;
}

/**
 * Puts the configuration together and checks it whole.
 * @throws Error with one line for each thing that is wrong: where it stands, what it is, what to do
 */
export function loadConfig({ files, env, flags }: ConfigSources): Config {
  const places = new Map<string, string>();
  const tree: Tree = {};
  for (const file of files) merge(tree, readFile(file, places));
  for (const leaf of leaves(configSchema)) {
    const value = readEnv(leaf, env);
    if (value === undefined) continue;
    assign(tree, leaf.path, value.value);
    places.set(leaf.path.join("."), `environment ${value.name}`);
  }
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) assign(tree, key.split("."), value);
  const checked = configSchema.safeParse(tree);
  if (!checked.success) throw new Error(checked.error.issues.map((issue) => describeIssue(issue, places)).join("\n"));
  return checked.data;
}

function readFile(file: string, places: Map<string, string>): Tree {
  if (!existsSync(file)) throw new Error(`configuration file ${file} is not there`);
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(file, "utf8"), { lineCounter: lines, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw new Error(`configuration file ${file}: ${error.message.split("\n")[0]}`);
  const tree: unknown = document.toJS({ maxAliasCount: 50 }) ?? {};
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) throw new Error(`configuration file ${file} holds no mapping of keys to values`);
  const remember = (value: unknown, path: readonly string[]): void => {
    const node = document.getIn(path, true) as { readonly range?: readonly [number, number, number] } | undefined;
    if (node?.range !== undefined && path.length > 0) {
      const { line, col } = lines.linePos(node.range[0]);
      places.set(path.join("."), `${file}:${line}:${col}`);
    }
    if (typeof value === "object" && value !== null) for (const [name, each] of Object.entries(value)) remember(each, [...path, name]);
  };
  remember(tree, []);
  return tree as Tree;
}

/** Keys in upper case with `_` for dots, as Hydra spells them. Lists: separated by commas, or one by one as NAME_0, NAME_1. */
function readEnv({ path, schema }: Leaf, env: ConfigSources["env"]): { readonly name: string; readonly value: unknown } | undefined {
  const name = envName(path);
  const whole = env[name];
  const kind = kindOf(schema);
  if (kind === "array") {
    const items: string[] = [];
    for (let i = 0; env[`${name}_${i}`] !== undefined; i++) items.push(env[`${name}_${i}`] as string);
    if (items.length > 0) return { name: `${name}_0`, value: items };
    if (whole === undefined) return undefined;
    return {
      name,
      value: whole.trimStart().startsWith("[")
        ? parseJson(name, whole)
        : whole
            .split(",")
            .map((each) => each.trim())
            .filter((each) => each !== ""),
    };
  }
  if (whole === undefined || whole === "") return undefined;
  if (kind === "boolean") {
    if (!/^(true|false|1|0)$/i.test(whole)) throw new Error(`environment ${name} is '${whole.slice(0, 20)}' and must be true or false`);
    return { name, value: /^(true|1)$/i.test(whole) };
  }
  if (kind === "number") return { name, value: Number(whole) };
  return { name, value: whole };
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(`environment ${name} is no JSON list`);
  }
}

function envName(path: readonly string[]): string {
  return path.join("_").toUpperCase();
}

function leaves(schema: z.core.$ZodType, path: readonly string[] = []): Leaf[] {
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.entries(inner.shape).flatMap(([name, each]) => leaves(each as z.core.$ZodType, [...path, name])) : [{ path, schema: inner }];
}

/** What a default, an optional or a conversion is about. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const definition = schema._zod.def as { readonly type: string; readonly innerType?: z.core.$ZodType; readonly in?: z.core.$ZodType };
  if (definition.innerType !== undefined) return unwrap(definition.innerType);
  return definition.type === "pipe" && definition.in !== undefined ? unwrap(definition.in) : schema;
}

function kindOf(schema: z.core.$ZodType): string {
  return schema._zod.def.type;
}

function describeIssue(issue: z.core.$ZodIssue, places: ReadonlyMap<string, string>): string {
  const path = issue.path.map(String);
  if (issue.code === "unrecognized_keys")
    return issue.keys
      .map((key) => {
        const full = [...path, key].join(".");
        const known = keysAt(path);
        const near = closest(key, known);
        return `${at(full, places)}${full} is no known key${near === undefined ? "" : `: did you mean ${[...path, near].join(".")}?`}`;
      })
      .join("\n");
  const full = path.join(".");
  return `${at(full, places)}${full} ${issue.message.replace(/^Invalid input: /, "").replace(/^Invalid /, "is no valid ")}`;
}

function at(path: string, places: ReadonlyMap<string, string>): string {
  const place = places.get(path);
  return place === undefined ? "configuration: " : `${place}: `;
}

function keysAt(path: readonly string[]): readonly string[] {
  let schema: z.core.$ZodType = configSchema;
  for (const name of path) {
    const inner = unwrap(schema);
    if (!(inner instanceof z.ZodObject)) return [];
    schema = (inner.shape as Readonly<Record<string, z.core.$ZodType>>)[name] ?? inner;
  }
  const inner = unwrap(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

function merge(into: Tree, from: Tree): void {
  for (const [name, value] of Object.entries(from)) {
    const known = into[name];
    if (isTree(known) && isTree(value)) merge(known, value);
    else if (value !== null) into[name] = value;
  }
}

function assign(tree: Tree, path: readonly string[], value: unknown): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const inner = tree[name];
  const next: Tree = isTree(inner) ? inner : {};
  tree[name] = next;
  assign(next, rest, value);
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
