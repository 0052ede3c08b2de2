import { type Command, Option } from "commander";
import type { JanitorFlags } from "../housekeeping.ts";
import type { DatabaseFlags } from "../maintenance.ts";
import type { MigrateFlags } from "../migrate.ts";
import type { Part } from "../part.ts";
import type { RotateFlags } from "../rotate-keys.ts";
import { repeat } from "./common.ts";

const PARTS: Readonly<Record<Part, string>> = {
  all: "Everything in one process: core, the public, the admin and the RPC port",
  core: "Core with the RPC port alone",
  gateway: "The public and the admin port, over a core elsewhere (core.url)",
  public: "The public port, over a core elsewhere or, without core.url, one of its own",
  demo: "A login and consent app to try things with, over a core elsewhere (core.url; http://127.0.0.1:4440 unless set)",
  admin: "The admin port, over a core elsewhere or, without core.url, one of its own",
};

/** Commands that run a server or look after its database. */
export function serverCommands(program: Command): void {
  addServe(program);
  addMigrate(program);
  const keys = program.command("keys").description("Look after the keys that are stored");
  addReseal(keys.command("reseal"));
  addRotate(keys);
  addReseal(program.command("reseal", { hidden: true }));
  addJanitor(program);
}

function addServe(program: Command): void {
  const serve = program.command("serve").description("Run a server");
  for (const [part, about] of Object.entries(PARTS))
    serve
      .command(part)
      .description(about)
      .option("-c, --config <file>", "configuration file, YAML or JSON; may be repeated, later ones win", repeat)
      .option("--dev", "development mode: http, a database and secrets of its own")
      .addOption(new Option("--sqa-opt-out", "accepted as Hydra does; nothing is ever reported").hideHelp())
      .action(async (flags: { readonly config?: readonly string[]; readonly dev?: boolean }) => (await import("../serve.ts")).serve(part as Part, flags));
}

function addMigrate(program: Command): void {
  const migrate = program.command("migrate").description("Bring the database to what this version needs");
  const sql = migrate.command("sql").description("SQLite and MySQL/MariaDB");
  const addUp = (command: Command): Command =>
    database(command)
      .option("-y, --yes", "do not ask")
      .action(run(async (flags: MigrateFlags) => (await import("../migrate.ts")).up(flags)));
  const addStatus = (command: Command): Command =>
    database(command)
      .description("List the migrations")
      .option("--block", "wait until none is pending")
      .option("--format <format>", "table, json, json-pretty, yaml", "table")
      .action(run(async (flags: MigrateFlags) => (await import("../migrate.ts")).status(flags)));

  addUp(sql.command("up").description("Apply what is pending"));
  database(sql.command("down").description("Take back the last migrations"))
    .option("-y, --yes", "do not ask")
    .option("--steps <n>", "how many")
    .action(run(async (flags: MigrateFlags) => (await import("../migrate.ts")).down(flags)));
  addStatus(sql.command("status"));
  // Hydra's older spellings: `migrate sql -e --yes DSN`, `migrate status`.
  addUp(sql);
  addStatus(migrate.command("status", { hidden: true }));
}

function addReseal(command: Command): void {
  database(command)
    .description("Seal stored keys with the first of secrets.system, so that an older one may go")
    .action(run(async (flags: DatabaseFlags) => (await import("../housekeeping.ts")).reseal(flags)));
}

function addRotate(keys: Command): void {
  database(keys.command("rotate"))
    .description("Make the next signing keys; delete those whose signatures have all expired")
    .option("--set <set>", "hydra.openid.id-token or hydra.jwt.access-token; may be repeated; both unless given", repeat)
    .option("--alg <alg>", "such as ES256; may be repeated; those that a set has keys for unless given", repeat)
    .option("--if-older-than <duration>", "only where the newest key is older: for a job that runs often", "0s")
    .option("--keep <duration>", "publish a key for so long after its last signature; the longest life of a token unless given")
    .option("--no-delete", "delete no key")
    .option("--dry-run", "only show what would be done")
    .option("--format <format>", "table, json, json-pretty, yaml", "table")
    .action(run(async (flags: RotateFlags) => (await import("../rotate-keys.ts")).rotate(flags)));
}

function addJanitor(program: Command): void {
  const command = database(program.command("janitor"))
    .description("Delete what has expired; nothing depends on it but disk space")
    .option("--tokens", "what tokens and revocations depend on; without any of the three: everything")
    .option("--requests", "login and consent requests, sessions and remembered consents")
    .option("--grants", "trusted issuers of assertions")
    .option("--keep-if-younger <duration>", "keep what expired less than so long ago", "0s")
    .option("--limit <n>", "at most so many rows of each table", "10000")
    .option("--batch-size <n>", "so many rows at once, at most 128", "100");
  for (const flags of ["--access-lifespan <duration>", "--refresh-lifespan <duration>", "--consent-request-lifespan <duration>"])
    command.addOption(new Option(flags, "accepted as Hydra does: each row says itself when it has expired").hideHelp());
  command.action(run(async (flags: JanitorFlags) => (await import("../housekeeping.ts")).janitor(flags)));
}

function database(command: Command): Command {
  return command
    .argument("[dsn]", "the database; better given by the environment, since other users of this machine see command lines")
    .option("-e, --read-from-env", "take the DSN from the environment")
    .option("-c, --config <file>", "take the DSN from a configuration file; may be repeated", repeat);
}

/** Flags may also stand before the last word, as in `migrate sql -e up`. */
function run<F extends DatabaseFlags>(act: (flags: F) => Promise<void>): (dsn: string | undefined, flags: F, command: Command) => Promise<void> {
  return (dsn, _flags, command) => act({ ...command.optsWithGlobals<F>(), dsn });
}
