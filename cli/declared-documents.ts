import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseAllDocuments } from "yaml";
import { inputName, readInput } from "./input.ts";

/** A thing in a file. */
export interface DeclaredNode {
  readonly value: unknown;
  /** File, line and column of one of its members, or of itself, and the document if there are several. */
  placeOf(member?: string): string;
}

/** Aliases that are written out at most: a few lines of YAML can stand for gigabytes. */
const MAX_ALIASES = 50;

/**
 * The things of a file, YAML or JSON (which is YAML), of one document or several: each holds one, a list, or a list under
 * `clients`. What cannot be read is put in `issues`, a line each.
 * @throws CliError when the file cannot be read
 */
export function readDocuments(file: string, issues: string[]): DeclaredNode[] {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(readInput(file).toString(), { lineCounter: lines, prettyErrors: false });
  const documents = Array.isArray(parsed) ? parsed : [];
  return documents.flatMap((document, index) => {
    const suffix = documents.length > 1 ? ` (document ${index + 1})` : "";
    const placeAt = (offset: number): string => {
      const { line, col } = lines.linePos(offset);
      return `${inputName(file)}:${line}:${col}${suffix}`;
    };
    for (const { message, pos } of document.errors) issues.push(`${placeAt(pos[0])}: ${message.split("\n")[0]}`);
    if (document.errors.length > 0 || document.contents === null) return [];
    try {
      return nodesOf(document, placeAt);
    } catch (cause) {
      issues.push(`${placeAt(0)}: ${cause instanceof Error ? cause.message.split("\n")[0] : "cannot be read"}`);
      return [];
    }
  });
}

function nodesOf(document: Document.Parsed, placeAt: (offset: number) => string): DeclaredNode[] {
  const { contents } = document;
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  const clients = isMap(contents) && contents.items.length === 1 && contents.has("clients") ? (contents.get("clients", true) as Node | undefined) : undefined;
  const list = clients ?? contents;
  const values = clients === undefined ? value : (value as { readonly clients: unknown }).clients;
  if (!isSeq(list)) return values === null ? [] : [nodeOf(document, contents, clients === undefined ? value : values, placeAt)];
  return list.items.map((item, i) => nodeOf(document, item, (values as readonly unknown[])[i], placeAt));
}

function nodeOf(document: Document.Parsed, node: unknown, value: unknown, placeAt: (offset: number) => string): DeclaredNode {
  const own = isAlias(node) ? node.resolve(document) : node;
  const start = (node as Node | null)?.range?.[0] ?? 0;
  return {
    value,
    placeOf(member) {
      const pair = isMap(own) ? own.items.find(({ key }) => isScalar(key) && key.value === member) : undefined;
      return placeAt((isScalar(pair?.key) ? pair.key.range?.[0] : undefined) ?? start);
    },
  };
}
