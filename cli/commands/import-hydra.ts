import type { Command } from "commander";
import type { ImportHydraFlags } from "../import-hydra.ts";
import { apiCommand } from "./common.ts";

/** Adds `import hydra`. */
export function importHydraCommand(parent: Command): void {
  apiCommand(parent, "admin", "hydra", "Bring clients and keys from what Hydra exported; may be run again until the switch")
    .argument("[file...]")
    .option("--dry-run", "only show what would be changed")
    .option("--make-secrets", "make new secrets for clients whose files hold neither secret nor hash")
    .option("--set <set>", "set of the keys whose file does not name one")
    .option("--keep-going", "import the rest where the server does not take something")
    .action(async (files: readonly string[], flags: ImportHydraFlags) => (await import("../import-hydra.ts")).importHydra(files, flags));
}
