import type { Command } from "commander";
import type { ApplyFlags } from "../apply.ts";
import { apiOptions, repeat } from "./common.ts";

/** Makes `apply` what it is. */
export function applyCommand(command: Command): void {
  apiOptions(command, "admin")
    .requiredOption("-f, --file <file>", "clients in YAML or JSON, or a folder of such files; - for standard input; may be repeated", repeat)
    .option("--name <name>", "what marks the clients that these files look after", "default")
    .option("--dry-run", "only show what would be changed")
    .option("--prune", "delete clients that --name looks after and no file declares")
    .option("--take-over", "also change clients that another --name looks after, and make them belong to this one")
    .option("--detailed-exitcode", "exit with 2 where something was, or would be, changed")
    .action(async (flags: ApplyFlags) => (await import("../apply.ts")).apply(flags));
}
