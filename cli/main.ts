#!/usr/bin/env node
import { Command } from "commander";
import { CliError } from "./cli-error.ts";
import { clientCommands } from "./commands/clients.ts";
import { jwkCommands } from "./commands/jwks.ts";
import { serverCommands } from "./commands/server.ts";
import { tokenCommands } from "./commands/tokens.ts";
import { addCompletion } from "./completion.ts";
import { version } from "./version.ts";

/** The whole command line. Command bodies load what they need when they run. */
function makeProgram(): Command {
  const program = new Command("writ").description("A headless OAuth 2.0 and OpenID Connect server").showSuggestionAfterError().enablePositionalOptions();
  const group = (name: string, about: string): Command => program.command(name).description(about);
  const create = group("create", "Create a thing");
  const get = group("get", "Get things by their ids");
  const list = group("list", "List things").alias("ls");
  const update = group("update", "Change a thing");
  const remove = group("delete", "Delete things");
  const importing = group("import", "Create things from files");
  const perform = group("perform", "Go through a flow as a client would");
  const introspect = group("introspect", "Look at a token");
  const revoke = group("revoke", "End a token");
  clientCommands({ create, get, list, update, delete: remove, import: importing });
  jwkCommands({ create, get, delete: remove, import: importing });
  tokenCommands({ perform, introspect, revoke });
  serverCommands(program);
  program
    .command("version")
    .description("Print the version")
    .action(() => void process.stdout.write(`Version:    ${version}\nNode.js:    ${process.version}\n`));
  return program;
}

async function main(): Promise<void> {
  const program = makeProgram();
  await addCompletion(program, process.argv);
  try {
    await program.parseAsync();
  } catch (error) {
    process.stderr.write(`${error instanceof CliError ? error.message : await explain(error)}\n`);
    process.exitCode = 1;
  }
}

/** What an operator is told of an error that was meant for one: its first line, never its stack. */
async function explain(error: unknown): Promise<string> {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "OAuthError" && error.cause instanceof Error) return `${error.message} (${(error.cause as NodeJS.ErrnoException).code ?? error.cause.message.split("\n")[0]})`;
  return error.message;
}

await main();
