import type { EpochMillis } from "#lib/time.ts";

/** Where in the stream of revocations a consumer is. */
export interface RevocationCursor {
  /** All that was made before it, less the overlap, was sent. */
  readonly complete: EpochMillis;
  /** The newest event that was sent. */
  readonly newest: EpochMillis;
}

/** Writes a cursor. Opaque to consumers. */
export function formatCursor({ complete, newest }: RevocationCursor): string {
  return `1.${Math.floor(complete).toString(36)}.${Math.floor(newest).toString(36)}`;
}

/** Reads a cursor; undefined: it is none of ours. */
export function parseCursor(cursor: string): RevocationCursor | undefined {
  const [, ...numbers] = /^1\.([0-9a-z]{1,10})\.([0-9a-z]{1,10})$/.exec(cursor) ?? [];
  const [complete, newest] = numbers.map((digits) => Number.parseInt(digits, 36));
  return complete === undefined || newest === undefined ? undefined : { complete: complete as EpochMillis, newest: newest as EpochMillis };
}
