// What no linter looks at: lengths of guides and scripts, links in Markdown, the lock file.
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "./toolchain.mjs";

const files = (pattern) => globSync(pattern, { cwd: ROOT, exclude: (name) => ["node_modules", "dist", ".git", "data"].includes(name) }).sort();
const text = (file) => readFileSync(join(ROOT, file), "utf8");

/** Lines at most (STYLE §2, §4). Code has its limit in biome.json. */
const LIMITS = { "scripts/*.mjs": 60, "*/**/README.md": 30, "docs/adr/*.md": 40, "**/*.sql": 400, "proto/writ/**/*.proto": 400 };

/** Files that are too long. */
export function longFiles() {
  return Object.entries(LIMITS).flatMap(([pattern, limit]) =>
    files(pattern).flatMap((file) => {
      const lines = text(file).trimEnd().split("\n").length;
      return lines > limit ? [`${file} has ${lines} lines, more than ${limit}`] : [];
    }),
  );
}

/** Links in Markdown to files and headings of this repository that do not exist. */
export function brokenLinks() {
  return files("**/*.md").flatMap((file) =>
    [...withoutCode(text(file)).matchAll(/\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)/gm)].flatMap(([, inline, reference]) => {
      const target = inline ?? reference;
      if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
      const [path, anchor] = target.split("#");
      const found = path === "" ? file : join(path.startsWith("/") ? "." : dirname(file), decodeURI(path));
      if (!existsSync(join(ROOT, found))) return [`${file}: ${target} does not exist`];
      return anchor === undefined || !found.endsWith(".md") || anchors(found).has(anchor) ? [] : [`${file}: ${target} has no such heading`];
    }),
  );
}

const withoutFences = (markdown) => markdown.replace(/^(```|~~~)[\s\S]*?^\1/gm, "");
const withoutCode = (markdown) => withoutFences(markdown).replace(/`[^`\n]*`/g, "");

/** As GitHub names headings. */
function anchors(file) {
  const kept = /[^\p{L}\p{N} _-]/gu;
  return new Set(Array.from(withoutFences(text(file)).matchAll(/^#+\s+(.*)$/gm), ([, heading]) => heading.toLowerCase().replace(kept, "").trim().replaceAll(" ", "-")));
}

/** Where package.json says other than the lock file's own copy of it. */
export function staleLock() {
  const manifest = JSON.parse(text("package.json"));
  const locked = JSON.parse(text("package-lock.json")).packages[""];
  const fields = ["name", "version", "dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "engines", "bin"];
  const sorted = (value) => JSON.stringify(value && typeof value === "object" ? Object.entries(value).sort() : value);
  return fields.filter((field) => sorted(manifest[field]) !== sorted(locked[field])).map((field) => `package-lock.json has other ${field}`);
}
