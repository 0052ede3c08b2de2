import type { Answer } from "./http.ts";

/** Does the same so many times at once. */
export function times<T>(n: number, make: (i: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: n }, (_, i) => make(i)));
}

/** How many answers of each kind there are: `ok`, or status and error. */
export function tally(answers: readonly Answer[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const kind = status === 200 ? "ok" : `${status} ${body?.error}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
