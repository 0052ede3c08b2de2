import type { EpochMillis } from "#lib/time.ts";

/** Writes a cursor: where in the stream of revocations to go on. Opaque to consumers. */
export function formatCursor(at: EpochMillis): string {
  return `1.${Math.floor(at).toString(36)}`;
}

/** Reads a cursor; undefined: it is none of ours. */
export function parseCursor(cursor: string): EpochMillis | undefined {
  const [, digits] = /^1\.([0-9a-z]{1,10})$/.exec(cursor) ?? [];
  const at = digits === undefined ? Number.NaN : Number.parseInt(digits, 36);
  return Number.isSafeInteger(at) ? (at as EpochMillis) : undefined;
}
