#!/usr/bin/env node
import { Command } from "commander";
import { serverCommands } from "./commands/server.ts";
import { addCompletion } from "./completion.ts";
import { version } from "./version.ts";

/** Verbs of the API commands. */
const VERBS = {
  apply: "Make clients be what files declare",
  create: "Create a thing",
  get: "Get things by their ids",
  list: "List things",
  update: "Change a thing",
  delete: "Delete things",
  import: "Create things from files",
  perform: "Go through a flow as a client would",
  introspect: "Look at a token",
  revoke: "End a token, or sessions",
} as const;

/** The whole command line. What a verb needs is loaded when it is asked for: a word at the prompt should not take a breath. */
async function makeProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command("writ")
    .description("A headless OAuth 2.0 and OpenID Connect server")
    .showSuggestionAfterError()
    .enablePositionalOptions()
    .version(version, "-V, --version", "print the version");
  const parents = Object.fromEntries(Object.entries(VERBS).map(([verb, about]) => [verb, program.command(verb).description(about)])) as Record<keyof typeof VERBS, Command>;
  parents.list.alias("ls");
  const verb = argv[2] === "help" ? argv[3] : argv[2];
  if (verb === "completion" || verb === "complete" || verb === "ls" || (verb !== undefined && Object.hasOwn(VERBS, verb))) {
    const { apiCommands } = await import("./commands/api.ts");
    apiCommands(parents);
  }
  serverCommands(program);
  await addCompletion(program, argv);
  program
    .command("version")
    .description("Print the version")
    .action(() => void process.stdout.write(`Version:    ${version}\nNode.js:    ${process.version}\n`));
  return program;
}

async function main(): Promise<void> {
  // Whoever reads what is printed may have read enough: `writ list oauth2-clients | head -1`.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  // Messages that nobody reads are no reason to end.
  process.stderr.on("error", () => {});
  try {
    const program = await makeProgram(process.argv);
    await program.parseAsync(await spell(process.argv));
  } catch (error) {
    const { explain } = await import("./explain.ts");
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  }
}

/** Go writes `--skip-consent=false` for a flag that is yes or no. */
async function spell(argv: readonly string[]): Promise<readonly string[]> {
  return argv.some((each) => /^--[a-z-]+=(true|false|1|0)$/i.test(each)) ? (await import("./client-flags.ts")).spellBooleans(argv) : argv;
}

await main();
