import { readFileSync } from "node:fs";

/** Version of this package. */
export const version: string = readVersion();

/** package.json is one folder up in a checkout and two in the compiled package. */
function readVersion(): string {
  for (const up of ["../package.json", "../../package.json"]) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(up, import.meta.url), "utf8")) as { readonly name: string; readonly version: string };
      if (name === "writ") return found;
    } catch {
      // the other place
    }
  }
  return "unknown";
}
