import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Config } from "#lib/config.ts";

const DATA = "data";

/**
 * What `--dev` fills in where nothing is configured: SQLite in `./data`, an issuer on the public port, and a secret that is
 * made once and kept beside the database, so that tokens survive a restart.
 */
export function developmentDefaults(config: Config): Readonly<Record<string, unknown>> {
  const dsn = config.dsn ?? `sqlite://${join(DATA, "writ.sqlite")}`;
  const folder = dsn.startsWith("sqlite:") ? dirname(dsn.replace(/^sqlite:(\/\/)?/, "").replace(/\?.*$/, "")) : DATA;
  return {
    dsn,
    "urls.self.issuer": config.urls.self.issuer ?? `http://127.0.0.1:${config.serve.public.port}`,
    ...(config.secrets.system.length > 0 ? {} : { "secrets.system": [dsn === "memory" ? randomBytes(32).toString("hex") : storedSecret(folder)] }),
  };
}

function storedSecret(folder: string): string {
  const file = join(folder, "development-secret");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  mkdirSync(folder, { recursive: true });
  const secret = randomBytes(32).toString("hex");
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: "wx" });
  return secret;
}
