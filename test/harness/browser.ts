import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where a Chromium is: `CHROMIUM_PATH`, or where distributions put it. Undefined: there is none. */
function chromiumPath(): string | undefined {
  return [process.env.CHROMIUM_PATH ?? "", ...PLACES].find((path) => path !== "" && existsSync(path));
}

/**
 * Why browser tests are skipped; false: they are not. Where they are required (`WRIT_REQUIRE_CHROMIUM=1`) a missing browser
 * is a failure and no reason to skip.
 */
export function skipWithoutBrowser(): string | false {
  return chromiumPath() !== undefined || process.env.WRIT_REQUIRE_CHROMIUM === "1" ? false : "there is no Chromium on this machine";
}

/** Starts a browser. */
export function openBrowser(): Promise<Browser> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) throw new Error("there is no Chromium on this machine, and the browser tests are required");
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}
