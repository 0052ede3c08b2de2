import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { invalid } from "./invalid.ts";

/** How many a list may hold. */
const MAX_ITEMS = 200;
/** Largest strings in bytes. Where a member has a column of its own it is the column's. */
const MAX_BYTES: Readonly<Record<string, number>> = { client_id: 255, client_name: 255, owner: 255, scope: 8192 };
const DEFAULT_MAX_BYTES = 2048;
/** How deep `jwks` and `metadata` may nest: whoever reads them later recurses. */
const MAX_DEPTH = 24;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/;
const FIELDS = ClientSchema.fields as readonly { readonly name: string; readonly localName: string }[];

/**
 * Refuses what no rule needs to look at any more: strings that are too long or would run as commands of a terminal that
 * shows them, long lists, and documents that could be stored and not be read again. `client_secret` has a rule of its own.
 * @throws OAuthError invalid_client_metadata naming the member
 */
export function requireWithinLimits(client: Client): void {
  for (const { name, localName } of FIELDS) {
    const value: unknown = client[localName as keyof Client];
    if (typeof value === "string" && name !== "client_secret") requireShort(name, value);
    else if (Array.isArray(value)) requireShortList(name, value);
  }
  requirePlainJson("jwks", client.jwks);
  requirePlainJson("metadata", client.metadata);
}

/**
 * Refuses JSON that nests too deeply, or has numbers that JSON cannot write: over RPC both can come.
 * @throws OAuthError invalid_client_metadata naming the member
 */
export function requirePlainJson(name: string, document: unknown): void {
  const left: { readonly value: unknown; readonly depth: number }[] = [{ value: document, depth: 1 }];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value, depth } = next;
    if (typeof value === "number" && !Number.isFinite(value)) throw invalid(name, "holds a number that JSON cannot write");
    if (typeof value !== "object" || value === null) continue;
    if (depth > MAX_DEPTH) throw invalid(name, `nests deeper than ${MAX_DEPTH} levels`);
    for (const member of Object.values(value)) left.push({ value: member, depth: depth + 1 });
  }
}

function requireShort(name: string, text: string): void {
  const max = MAX_BYTES[name] ?? DEFAULT_MAX_BYTES;
  if (text.length > max || Buffer.byteLength(text) > max) throw invalid(name, `has more than ${max} bytes`);
  if (CONTROL.test(text)) throw invalid(name, "holds a control character");
}

function requireShortList(name: string, items: readonly unknown[]): void {
  if (items.length > MAX_ITEMS) throw invalid(name, `has more than ${MAX_ITEMS} entries`);
  for (const item of items) {
    if (typeof item !== "string" || item === "") throw invalid(name, "has an empty entry");
    requireShort(name, item);
  }
}
