declare const millis: unique symbol;

/** An instant: milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMillis = number & { readonly [millis]: true };

/** Tells the time. The only clock; everything else is handed `now`. */
export type Clock = () => EpochMillis;

/** The system's clock. */
export const systemClock: Clock = () => Date.now() as EpochMillis;

/** Whole seconds since the epoch, as tokens and introspection carry them (RFC 7519 §2, NumericDate). */
export function toSeconds(instant: EpochMillis): number {
  return Math.floor(instant / 1000);
}

/** The instant of a NumericDate (RFC 7519 §2). */
export function fromSeconds(seconds: number): EpochMillis {
  return (seconds * 1000) as EpochMillis;
}

/** An instant in UTC as JSON carries it (RFC 3339). */
export function toRfc3339(instant: EpochMillis): string {
  return new Date(instant).toISOString();
}

/** The instant `milliseconds` after another. */
export function addMillis(instant: EpochMillis, milliseconds: number): EpochMillis {
  return (instant + milliseconds) as EpochMillis;
}
