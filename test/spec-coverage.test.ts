import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../", import.meta.url);
const FOLDER = new URL("docs/spec-coverage/", ROOT);

/** A cell that names tests: `file: the beginning of a title`, several by semicolons. The title stands in the file as it is, or as a template begins. */
function complaintOf(shown: string): string | undefined {
  if (/^(divergence|reason): \S.{10,}/.test(shown)) return undefined;
  for (const each of shown.split(/; (?=[a-z]+\/)/)) {
    const [, file = "", title = ""] = /^`?([\w/.-]+\.test\.ts)`?: "?(.*?)(?:…)?"?$/.exec(each) ?? [];
    if (file === "") return `names no test, divergence or reason: ${each}`;
    if (!existsSync(new URL(file, ROOT))) return `${file} is not there`;
    if (title.length < 8) return `a title of a few words is needed: ${each}`;
    if (!readFileSync(new URL(file, ROOT), "utf8").includes(title)) return `${file} has no test '${title}'`;
  }
  return undefined;
}

test("docs/spec-coverage.md: every line of the checklists is shown by a test that is there, or is a divergence with its reason", () => {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".md"));
  let seen = 0;
  const complaints: string[] = [];
  for (const name of files) {
    for (const line of readFileSync(new URL(name, FOLDER), "utf8").split("\n")) {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
      if (cells.length !== 5 || cells[3] === "shown by" || /^:?-+:?$/.test(cells[3] ?? "")) continue;
      seen++;
      const complaint = complaintOf(cells[3] ?? "");
      if (complaint !== undefined) complaints.push(`${name}, ${cells[1]} ${cells[2]}: ${complaint}`);
    }
  }
  assert.deepEqual(complaints, []);
  assert.ok(seen > 300, String(seen));
});
