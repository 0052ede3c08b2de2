import { readFileSync } from "node:fs";
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { CliError } from "./cli-error.ts";
import type { Places } from "./config-places.ts";

/** Aliases that are written out at most: a few lines of YAML can stand for gigabytes. */
const MAX_ALIASES = 50;

/**
 * Reads a configuration file, YAML or JSON (which is YAML), and remembers where each of its values stands.
 * @throws CliError with file, line and column
 */
export function readConfigFile(file: string, places: Places): object {
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) throw new CliError(`${placeOf(file, lines, error.pos[0])}: ${firstLine(error.message)}`);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  } catch (cause) {
    throw new CliError(`${file}: ${cause instanceof Error ? firstLine(cause.message) : "cannot be read"}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CliError(`${file}: holds no mapping of keys to values`);
  remember(document.contents, [], (path, offset) => places.set(path, placeOf(file, lines, offset)));
  return value;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CliError(`${file}: ${code === "ENOENT" ? "there is no such file" : `cannot be read (${code})`}`);
  }
}

/** The outer before the inner: setting a place forgets those inside. A key's place is that of its name. */
function remember(node: unknown, path: readonly string[], set: (path: readonly string[], offset: number) => void): void {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      if (!isScalar(key)) continue;
      const inner = [...path, String(key.value)];
      if (key.range) set(inner, key.range[0]);
      remember(value, inner, set);
    }
  } else if (isSeq(node)) {
    node.items.forEach((item, index) => {
      const inner = [...path, String(index)];
      const range = (item as Node).range;
      if (range) set(inner, range[0]);
      remember(item, inner, set);
    });
  }
}

function placeOf(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
