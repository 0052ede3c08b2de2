import type { Command } from "commander";
import { applyCommand } from "./apply.ts";
import { clientCommands } from "./clients.ts";
import { importHydraCommand } from "./import-hydra.ts";
import { jwkCommands } from "./jwks.ts";
import { sessionCommands } from "./sessions.ts";
import { tokenCommands } from "./tokens.ts";

/** Adds every command that speaks to a server. */
export function apiCommands(
  parents: Parameters<typeof clientCommands>[0] &
    Parameters<typeof jwkCommands>[0] &
    Parameters<typeof tokenCommands>[0] &
    Parameters<typeof sessionCommands>[0] &
    Readonly<Record<"apply", Command>>,
): void {
  clientCommands(parents);
  jwkCommands(parents);
  tokenCommands(parents);
  sessionCommands(parents);
  applyCommand(parents.apply);
  importHydraCommand(parents.import);
}
