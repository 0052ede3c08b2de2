const UNITS = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000001 } as const;
const PART = /(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/gy;

/** Reads a duration such as `1h30m0s` (the form of Hydra's API and configuration). In milliseconds; undefined: it is none. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  PART.lastIndex = 0;
  let total = 0;
  let end = 0;
  for (let part = PART.exec(text); part !== null; part = PART.exec(text)) {
    total += Number(part[1]) * UNITS[part[2] as keyof typeof UNITS];
    end = PART.lastIndex;
  }
  return end > 0 && end === text.length && Number.isSafeInteger(Math.round(total)) ? total : undefined;
}

/** Writes a duration as Hydra does: `1h30m0s`, `500ms`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  if (milliseconds < 1000) return `${milliseconds}ms`;
  const hours = Math.floor(milliseconds / UNITS.h);
  const minutes = Math.floor((milliseconds % UNITS.h) / UNITS.m);
  const seconds = (milliseconds % UNITS.m) / UNITS.s;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** Fifty years, in milliseconds; what lives for good lives so long: expiries travel as 32 bits of seconds, which last until 2106. */
export const LONGEST_LIFESPAN = 50 * 365 * 24 * 3_600_000;
