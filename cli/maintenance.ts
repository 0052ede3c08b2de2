import { openMaintenance } from "#core/maintenance.ts";
import type { Config } from "#lib/config.ts";
import { CliError } from "./cli-error.ts";
import { loadConfig } from "./load-config.ts";
import { makeLog } from "./log.ts";

/** Where a maintenance command finds its database. */
export interface DatabaseFlags {
  readonly dsn?: string | undefined;
  readonly readFromEnv?: boolean;
  readonly config?: readonly string[];
}

/** A database that is looked after. */
export type Maintenance = Awaited<ReturnType<typeof openMaintenance>>;

/** Opens the database that the flags name, for as long as `body` runs. @throws Error with one line for the operator */
export async function withDatabase<R>(flags: DatabaseFlags, body: (maintenance: Maintenance) => Promise<R>): Promise<R> {
  const config = readConfig(flags);
  const log = makeLog(config.log);
  const maintenance = await openMaintenance(config, log);
  try {
    return await body(maintenance);
  } finally {
    await maintenance.close();
    log.flush();
  }
}

function readConfig({ dsn, readFromEnv, config: files = [] }: DatabaseFlags): Config & { readonly dsn: string } {
  // As with Hydra, an argument names another database than the environment does, unless -e says to take that one.
  const argument = readFromEnv === true ? undefined : dsn;
  const config = loadConfig({ files, env: process.env, flags: { dsn: argument } });
  const found = config.dsn ?? dsn;
  if (found === undefined)
    throw new CliError("No database is named. Give DSN in the environment and --read-from-env, or a configuration file by --config, or the DSN as an argument.");
  if (/^(memory|:memory:|sqlite:\/\/:memory:)$/.test(found)) throw new CliError("A database in memory lives in its server alone; there is nothing to do from here.");
  return { ...config, dsn: found };
}
