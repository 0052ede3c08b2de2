import { CliError } from "./cli-error.ts";
import { type DatabaseFlags, withDatabase } from "./maintenance.ts";

/** Flags of `janitor`. Those of Hydra that say what to delete and when are accepted: whatever has expired goes, and nothing else. */
export interface JanitorFlags extends DatabaseFlags {
  readonly limit: string;
}

/** Seals stored keys, secrets of clients and sessions with the first system secret, so that older ones can be taken from the configuration. */
export function reseal(flags: DatabaseFlags): Promise<void> {
  return withDatabase(flags, async (maintenance) => {
    const { keys, secrets, sessions } = await maintenance.reseal();
    const count = (n: number, what: string): string => `${n} ${n === 1 ? what : `${what}s`}`;
    process.stdout.write(
      `${count(keys, "key")}, ${count(secrets, "client secret")} and ${count(sessions, "session")} were sealed anew; all are sealed with the first secret now.\n`,
    );
  });
}

/** Deletes what has expired. */
export function janitor(flags: JanitorFlags): Promise<void> {
  const limit = Number(flags.limit);
  if (!Number.isInteger(limit) || limit < 1) throw new CliError("--limit must be a whole number above 0");
  return withDatabase(flags, async (maintenance) => {
    for (const [table, rows] of Object.entries(await maintenance.deleteExpired(limit))) process.stdout.write(`Successfully completed Janitor run on ${table}: ${rows} rows\n`);
  });
}
