import { createInterface } from "node:readline/promises";
import { CliError } from "./cli-error.ts";

/** Asks on the terminal. @throws CliError when the answer is not yes, or nobody is there to give one */
export async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new CliError("Nobody is there to be asked. Give --yes to go on without.");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} (y/N) `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError("Nothing was changed.");
  } finally {
    terminal.close();
  }
}
