import { CliError } from "./cli-error.ts";
import { durationOf } from "./flag-values.ts";
import { type DatabaseFlags, withDatabase } from "./maintenance.ts";

/** Flags of `janitor`, Hydra's. */
export interface JanitorFlags extends DatabaseFlags {
  readonly tokens?: boolean;
  readonly requests?: boolean;
  readonly grants?: boolean;
  readonly keepIfYounger: string;
  readonly limit: string;
  readonly batchSize: string;
}

/**
 * What Hydra's routines come to here. A grant's row holds its requests and what its tokens depend on, so it is in both; it goes
 * when the last of all that has expired. A table that is in none goes with any.
 */
const ROUTINES = {
  tokens: ["grants", "revoked_tokens", "assertion_jtis", "revocation_events"],
  requests: ["grants", "decisions", "sessions", "consents", "device_codes", "logout_outbox"],
  grants: ["trusted_issuers"],
} as const satisfies Record<"tokens" | "requests" | "grants", readonly string[]>;

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
  const [limit, batchSize] = [countOf("--limit", flags.limit), countOf("--batch-size", flags.batchSize)];
  if (batchSize > limit) throw new CliError("--batch-size must not be above --limit");
  const keepFor = durationOf("--keep-if-younger", flags.keepIfYounger);
  const wanted = (Object.keys(ROUTINES) as (keyof typeof ROUTINES)[]).filter((name) => flags[name] === true);
  const only = (table: string): boolean =>
    wanted.length === 0 || wanted.some((name) => isOf(name, table)) || !Object.keys(ROUTINES).some((name) => isOf(name as keyof typeof ROUTINES, table));
  return withDatabase(flags, async (maintenance) => {
    for (const [table, rows] of Object.entries(await maintenance.deleteExpired(limit, { keepFor, batchSize, only })))
      process.stdout.write(`Successfully completed Janitor run on ${table}: ${rows} rows\n`);
  });
}

function isOf(routine: keyof typeof ROUTINES, table: string): boolean {
  return (ROUTINES[routine] as readonly string[]).includes(table);
}

function countOf(flag: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new CliError(`${flag} must be a whole number above 0`);
  return count;
}
