import type { Command } from "commander";

/** Shells that completion is made for. */
const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/**
 * Adds `writ completion SHELL`, which prints the script, and the callback that such a script calls. The library is loaded
 * only for these, since it looks through the whole command line.
 */
export async function addCompletion(program: Command, argv: readonly string[]): Promise<void> {
  program
    .command("completion")
    .description(`Print the completion script of a shell: ${SHELLS.join(", ")}`)
    .argument("<shell>")
    .action(async (shell: string) => {
      if (!(SHELLS as readonly string[]).includes(shell)) program.error(`error: '${shell}' is none of ${SHELLS.join(", ")}`);
      await program.parseAsync(["node", "writ", "complete", shell]);
    });
  if (argv[2] !== "complete" && argv[2] !== "completion") return;
  const { default: tab } = await import("@bomb.sh/tab/commander");
  tab(program);
}
