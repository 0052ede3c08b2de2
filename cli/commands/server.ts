import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { Part } from "../serve.ts";

interface MigrateFlags {
  readonly readFromEnv?: boolean;
  readonly yes?: boolean;
  readonly steps?: string;
  readonly config?: readonly string[];
  readonly format?: string;
  readonly block?: boolean;
}

const PARTS: Readonly<Record<Part, string>> = {
  all: "Everything in one process: core, the public, the admin and the RPC port",
  core: "Core with the RPC port alone",
  gateway: "The public and the admin port, over a core elsewhere (core.url)",
  public: "The public port alone",
  admin: "The admin port alone",
};

const repeat = (value: string, before: readonly string[] = []): string[] => [...before, value];

/** Commands that run a server or look after its database. */
export function serverCommands(program: Command): void {
  const serve = program.command("serve").description("Run a server");
  for (const [part, about] of Object.entries(PARTS))
    serve
      .command(part)
      .description(about)
      .option("-c, --config <file>", "configuration file, YAML or JSON; may be repeated", repeat)
      .option("--dev", "development mode: http, a database and secrets of its own")
      .option("--sqa-opt-out", "taken for Hydra's sake; nothing is ever reported")
      .action(async (flags: { config?: string[]; dev?: boolean }) => (await import("../serve.ts")).serve(part as Part, flags));

  const sql = program.command("migrate").description("Bring the database to what this version needs").command("sql").description("SQLite and MySQL/MariaDB");
  const common = (command: Command): Command =>
    command.argument("[dsn]").option("-e, --read-from-env", "take the DSN from the environment").option("-c, --config <file>", "take the DSN from a configuration file", repeat);
  common(sql.command("up").description("Apply what is pending")).option("-y, --yes", "do not ask").action(up);
  common(sql.command("down").description("Take back the last migrations")).option("-y, --yes", "do not ask").option("--steps <n>", "how many").action(down);
  common(sql.command("status").description("List the migrations"))
    .option("--block", "wait until none is pending")
    .option("--format <format>", "table or json", "table")
    .action(status);
  // Hydra's older spelling: `migrate sql -e --yes DSN`.
  common(sql).option("-y, --yes", "do not ask").action(up);

  const keys = program.command("reseal").description("Seal stored keys with the first system secret, so that an older one may go");
  common(keys).action(async (dsn: string | undefined, flags: MigrateFlags) => {
    const { reseal } = await import("../maintenance.ts");
    process.stdout.write(`${await reseal({ ...flags, ...(dsn === undefined ? {} : { dsn }) })} keys were sealed anew\n`);
  });
  common(program.command("janitor").description("Delete what has expired"))
    .option("--tokens", "taken for Hydra's sake: everything that has expired goes")
    .option("--requests", "the same")
    .option("--grants", "the same")
    .option("--limit <n>", "at most so many rows of each table", "10000")
    .option("--batch-size <n>", "taken for Hydra's sake")
    .option("--keep-if-younger <duration>", "taken for Hydra's sake")
    .action(async (dsn: string | undefined, flags: MigrateFlags & { limit: string }) => {
      const { janitor } = await import("../maintenance.ts");
      for (const [table, count] of Object.entries(await janitor({ ...flags, limit: Number(flags.limit), ...(dsn === undefined ? {} : { dsn }) })))
        process.stdout.write(`Successfully completed Janitor run on ${table}: ${count} rows\n`);
    });
}

async function up(dsn: string | undefined, flags: MigrateFlags): Promise<void> {
  const { withDatabase } = await import("../maintenance.ts");
  await withDatabase({ ...flags, ...(dsn === undefined ? {} : { dsn }) }, async (maintenance) => {
    const before = await maintenance.migrations();
    process.stdout.write(table(before));
    if (before.every(({ status }) => status === "Applied")) return void process.stdout.write("Nothing is pending.\n");
    if (flags.yes !== true) await confirm("Apply the pending migrations?");
    const applied = await maintenance.migrateUp();
    process.stdout.write(`Successfully applied ${applied.length} migrations.\n`);
  });
}

async function down(dsn: string | undefined, flags: MigrateFlags): Promise<void> {
  const steps = Number(flags.steps ?? 0);
  if (!Number.isInteger(steps) || steps < 1) throw new CliError("Say how many migrations are to be taken back: --steps 1");
  const { withDatabase } = await import("../maintenance.ts");
  await withDatabase({ ...flags, ...(dsn === undefined ? {} : { dsn }) }, async (maintenance) => {
    process.stdout.write(table(await maintenance.migrations()));
    if (flags.yes !== true) await confirm(`Take back the last ${steps}? What is in their tables is lost.`);
    const back = await maintenance.migrateDown(steps);
    process.stdout.write(`Successfully took back ${back.length} migrations.\n`);
  });
}

async function status(dsn: string | undefined, flags: MigrateFlags): Promise<void> {
  const { withDatabase } = await import("../maintenance.ts");
  await withDatabase({ ...flags, ...(dsn === undefined ? {} : { dsn }) }, async (maintenance) => {
    let found = await maintenance.migrations();
    while (flags.block === true && found.some((each) => each.status === "Pending")) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      found = await maintenance.migrations();
    }
    process.stdout.write(flags.format === "json" ? `${JSON.stringify(found)}\n` : table(found));
  });
}

function table(rows: readonly { readonly version: string; readonly name: string; readonly status: string }[]): string {
  return `${["Version\tName\tStatus", ...rows.map(({ version, name, status: state }) => `${version}\t${name}\t${state}`)].join("\n")}\n`;
}

async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new CliError("Nobody is there to be asked. Give --yes to go on without.");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} (y/N) `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError("Nothing was changed.");
}
