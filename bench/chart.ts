import type { Result } from "./measure.ts";

const [WIDTH, LEFT, RIGHT, BAR, GAP, TOP] = [860, 330, 90, 16, 5, 30];
const COLOURS: readonly [RegExp, string][] = [
  [/^raw/, "#9aa5b1"],
  [/^peer/, "#d98c4a"],
  [/./, "#3b6ea8"],
];

/** Bars of the CPU that a request costs, in microseconds, as an SVG: rows that have a floor or a peer. */
export function chart(results: readonly Result[]): string {
  const rows = results.filter(({ parties }) => parties.some(({ name }) => name === "raw" || name === "peer"));
  const bars = rows.flatMap(({ name, parties }) => [
    { title: name, value: undefined },
    ...parties.toSorted((a, b) => a.cpu.median - b.cpu.median).map((party) => ({ title: party.name, value: party.cpu.median })),
  ]);
  const most = Math.max(...bars.map(({ value }) => value ?? 0));
  const height = TOP + bars.length * (BAR + GAP) + GAP;
  const lines = bars.map(({ title, value }, n) => {
    const y = TOP + n * (BAR + GAP);
    const text = `y="${y + BAR - 4}"`;
    if (value === undefined) return `<text class="row" x="8" ${text}>${escape(title)}</text>`;
    const width = ((WIDTH - LEFT - RIGHT) * value) / most;
    const colour = COLOURS.find(([name]) => name.test(title))?.[1];
    return `<text x="${LEFT - 8}" ${text} text-anchor="end">${escape(title)}</text><rect x="${LEFT}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colour}"/><text x="${(LEFT + width + 6).toFixed(1)}" ${text}>${value.toFixed(value < 10 ? 1 : 0)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="CPU of a request in microseconds">
<style>text{font:12px system-ui,sans-serif;fill:#1f2933}.row{font-weight:600}.head{fill:#52606d}</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text class="head" x="8" y="18">µs of CPU for a request, less is better</text>
${lines.join("\n")}
</svg>
`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
