import { type Maintenance, openMaintenance } from "#core/maintenance.ts";
import { CliError } from "./cli-error.ts";
import { loadConfig } from "./load-config.ts";
import { makeLog } from "./log.ts";

/** Where a maintenance command finds its database. */
export interface DatabaseFlags {
  readonly dsn?: string;
  readonly readFromEnv?: boolean;
  readonly config?: readonly string[];
}

/** Opens the database that the flags name, for as long as `body` runs. */
export async function withDatabase<R>(flags: DatabaseFlags, body: (maintenance: Maintenance) => Promise<R>): Promise<R> {
  const fromEnv = flags.readFromEnv === true || flags.dsn === undefined;
  const config = loadConfig({
    files: flags.config ?? [],
    env: fromEnv ? process.env : { ...process.env, DSN: undefined },
    flags: { ...(flags.dsn === undefined ? {} : { dsn: flags.dsn }) },
  });
  if (config.dsn === undefined) throw new CliError("No database is named. Give the DSN as an argument, or DSN in the environment and --read-from-env.");
  if (config.dsn === "memory") throw new CliError("A database in memory lives in its server alone; there is nothing to do from here.");
  const maintenance = await openMaintenance(config, makeLog(config.log));
  try {
    return await body(maintenance);
  } finally {
    await maintenance.close();
  }
}

/** Seals stored keys with the first secret. Returns how many. */
export function reseal(flags: DatabaseFlags): Promise<number> {
  return withDatabase(flags, (maintenance) => maintenance.reseal());
}

/** Deletes what has expired. Returns rows by table. */
export function janitor(flags: DatabaseFlags & { readonly limit: number }): Promise<Readonly<Record<string, number>>> {
  return withDatabase(flags, (maintenance) => maintenance.deleteExpired(flags.limit));
}
