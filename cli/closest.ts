/** The word that was probably meant: the one with the fewest mistakes in it, if they are few. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const ranked = known.map((each) => ({ each, mistakes: mistakes(word.toLowerCase(), each.toLowerCase()) })).toSorted((a, b) => a.mistakes - b.mistakes);
  const [best] = ranked;
  return best !== undefined && best.mistakes <= Math.max(1, Math.floor(word.length / 3)) ? best.each : undefined;
}

/** Letters to change, add or leave out, or neighbours to swap (the optimal string alignment distance). */
function mistakes(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const swap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY;
      rows[i]?.push(Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1), swap));
    }
  }
  return at(a.length, b.length);
}
