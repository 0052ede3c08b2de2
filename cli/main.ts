#!/usr/bin/env node
import { Command } from "commander";
import { spellBooleans } from "./client-flags.ts";
import { clientCommands } from "./commands/clients.ts";
import { jwkCommands } from "./commands/jwks.ts";
import { serverCommands } from "./commands/server.ts";
import { tokenCommands } from "./commands/tokens.ts";
import { addCompletion } from "./completion.ts";
import { explain } from "./explain.ts";
import { version } from "./version.ts";

/** The whole command line. What a command needs beyond its flags is loaded when it runs. */
function makeProgram(): Command {
  const program = new Command("writ")
    .description("A headless OAuth 2.0 and OpenID Connect server")
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .version(version, "-V, --version", "print the version");
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
  // Whoever reads what is printed may have read enough: `writ list oauth2-clients | head -1`.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  try {
    const program = makeProgram();
    await addCompletion(program, process.argv);
    await program.parseAsync(spellBooleans(process.argv));
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
}

await main();
