import { setTimeout as sleep } from "node:timers/promises";
import { CliError } from "./cli-error.ts";
import { confirm } from "./confirm.ts";
import { type DatabaseFlags, type Maintenance, withDatabase } from "./maintenance.ts";
import { printMany, type View } from "./output.ts";

/** Flags of the `migrate` commands. */
export interface MigrateFlags extends DatabaseFlags {
  readonly yes?: boolean;
  /** Of `down`. */
  readonly steps?: string;
  /** Of `status`. */
  readonly format?: string;
  readonly block?: boolean;
}

type Status = Awaited<ReturnType<Maintenance["migrations"]>>[number];

const VIEW: View<Status> = { id: ({ version }) => version, columns: { Version: ({ version }) => version, Name: ({ name }) => name, Status: ({ status }) => status } };
/** Milliseconds between two looks of `status --block`. */
const PAUSE = 1000;

/** Applies what is pending, after asking. */
export function up(flags: MigrateFlags): Promise<void> {
  return withDatabase(flags, async (maintenance) => {
    const before = await maintenance.migrations();
    await printMany({}, VIEW, before);
    if (before.every(({ status }) => status !== "Pending")) return say("Nothing is pending.");
    if (flags.yes !== true) await confirm("Apply the pending migrations?");
    const applied = await maintenance.migrateUp();
    say(`Successfully applied ${count(applied.length)}.`);
  });
}

/** Takes back the last `--steps` migrations, after asking. */
export function down(flags: MigrateFlags): Promise<void> {
  const steps = Number(flags.steps ?? 0);
  if (!Number.isInteger(steps) || steps < 1) throw new CliError("Say how many migrations are to be taken back, such as --steps 1");
  return withDatabase(flags, async (maintenance) => {
    await printMany({}, VIEW, await maintenance.migrations());
    if (flags.yes !== true) await confirm(`Take back the last ${steps}? What is in their tables is lost.`);
    const back = await maintenance.migrateDown(steps);
    say(`Successfully took back ${count(back.length)}.`);
  });
}

/** Lists the migrations; with `--block` once none is pending. */
export function status(flags: MigrateFlags): Promise<void> {
  return withDatabase(flags, async (maintenance) => {
    let found = await maintenance.migrations();
    while (flags.block === true && found.some((each) => each.status === "Pending")) {
      await sleep(PAUSE);
      found = await maintenance.migrations();
    }
    await printMany(flags, VIEW, found);
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function count(migrations: number): string {
  return `${migrations} ${migrations === 1 ? "migration" : "migrations"}`;
}
