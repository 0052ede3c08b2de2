import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Config } from "#lib/config.ts";
import { CliError } from "./cli-error.ts";
import { demoUrl, nameOf } from "./part.ts";

const DATA = "data";

/** Which parts a process has; each needs other things. */
export interface DevelopmentNeeds {
  /** A core: a database and a secret. */
  readonly core: boolean;
  /** The public port, which the issuer is named after. */
  readonly public: boolean;
  /** The demo app beside it. */
  readonly demo: boolean;
}

/**
 * What `--dev` fills in where nothing is configured, by dotted key: SQLite in `./data`, an issuer on the public port, and a
 * secret that is made once and kept beside the database, so that tokens survive a restart; the demo app as login and consent app.
 * @throws CliError when the folder cannot be written to
 */
export async function developmentDefaults(config: Config, needs: DevelopmentNeeds): Promise<Readonly<Record<string, unknown>>> {
  return { ...(needs.core ? coreDefaults(config) : {}), ...(await issuerDefaults(config, needs)), ...(needs.demo ? await demoDefaults(config) : {}) };
}

/** The demo app stands in for the apps that are not configured. */
async function demoDefaults({ urls, serve: { demo } }: Config): Promise<Readonly<Record<string, unknown>>> {
  const port = demo.port === 0 ? await freePort(demo.host) : demo.port;
  const url = demoUrl({ ...demo, port });
  return {
    "serve.demo.port": port,
    "urls.login": urls.login ?? `${url}/login`,
    "urls.consent": urls.consent ?? `${url}/consent`,
    "urls.logout": urls.logout ?? `${url}/logout`,
    "urls.device.verification": urls.device.verification ?? `${url}/device`,
    "urls.device.success": urls.device.success ?? `${url}/device/success`,
  };
}

function coreDefaults(config: Config): Readonly<Record<string, unknown>> {
  const dsn = config.dsn ?? `sqlite://${join(DATA, "writ.sqlite")}`;
  const file = /^sqlite:(?:\/\/)?([^?]*)/.exec(dsn)?.[1];
  const folder = file === undefined || file === "" || file === ":memory:" ? DATA : dirname(file);
  if (config.dsn === undefined) makeFolder(folder);
  if (config.secrets.system.length > 0) return { dsn };
  return { dsn, "secrets.system": [dsn === "memory" ? randomBytes(32).toString("hex") : storedSecret(folder)] };
}

/** The issuer names a port, so a port that the system is to choose is chosen here, before the issuer is. */
async function issuerDefaults({ urls, serve }: Config, needs: DevelopmentNeeds): Promise<Readonly<Record<string, unknown>>> {
  if (urls.self.issuer !== undefined) return {};
  const { host, tls } = serve.public;
  const port = serve.public.port === 0 && needs.public && !host.startsWith("unix:") ? await freePort(host) : serve.public.port;
  return { "urls.self.issuer": `${tls.enabled ? "https" : "http"}://${nameOf(host)}:${port}`, "serve.public.port": port };
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen({ host: host.replace(/^\[|\]$/g, ""), port: 0 }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** The secret of a data folder. Of several processes that start at once, one makes it and all use it. */
function storedSecret(folder: string): string {
  const file = join(folder, "development-secret");
  const draft = `${file}.${process.pid}`;
  try {
    makeFolder(folder);
    return readSecret(file) ?? makeSecret(file, draft);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(`${file}: cannot be made or read (${(error as NodeJS.ErrnoException).code}); set SECRETS_SYSTEM, or make the folder writable`);
  }
}

/** Written aside and linked into place, so that nobody reads half of it. */
function makeSecret(file: string, draft: string): string {
  const secret = randomBytes(32).toString("hex");
  writeFileSync(draft, `${secret}\n`, { mode: 0o600 });
  try {
    linkSync(draft, file);
    return secret;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return readSecret(file) ?? secret;
  } finally {
    unlinkSync(draft);
  }
}

function readSecret(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CliError(`${folder}: cannot be made (${(error as NodeJS.ErrnoException).code}); set DSN, or make the folder writable`);
  }
}
