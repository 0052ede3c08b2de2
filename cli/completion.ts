import type { Command } from "commander";

/**
 * Adds `writ completion SHELL`, which prints the script, and the hidden `complete` that such a script calls. The library is
 * loaded for these two alone, since it looks through the whole command line.
 */
export async function addCompletion(program: Command, [, , command]: readonly string[]): Promise<void> {
  if (command === "completion" || command === "complete") {
    const { default: tab } = await import("@bomb.sh/tab/commander");
    tab(program, { completionCommandName: "completion" });
  } else program.command("completion").description("Print the completion script of a shell: bash, zsh, fish, powershell").argument("<shell>");
}
