import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as z from "zod";
import { LEAVES } from "#cli/config-schema.ts";
import { configSchema } from "#lib/config.ts";
import { writ } from "../harness/process.ts";

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

/** A schema in JSON, as far as it is looked at here. */
interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly default?: unknown;
}

test("docs/configuration.md has a row for every key, with its default, and none for another", () => {
  const json = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const rows = new Map([...read("configuration.md").matchAll(/^\| `([a-z0-9_.*]+)` \| (\S+) \|/gm)].map(([, key = "", value = ""]) => [key, value]));
  const seen = new Set<string>();
  for (const { path } of LEAVES) {
    const key = path.join(".");
    const row = rows.has(key) ? key : key.replace(/^serve\.\w+\./, "serve.*.");
    seen.add(row);
    const value = path.reduce<JsonSchema | undefined>((schema, name) => schema?.properties?.[name], json)?.default;
    assert.equal(rows.get(row), value === undefined ? "–" : `\`${typeof value === "string" ? value : JSON.stringify(value)}\``, key);
  }
  assert.deepEqual(
    [...rows.keys()].filter((key) => !seen.has(key)),
    [],
  );
});

test("docs/cli.md has a row for every command, and names every flag about a client", async () => {
  const text = read("cli.md");
  const words = async (...path: string[]): Promise<string[]> =>
    [...((await writ([...path, "--help"])).stdout.split("Commands:")[1]?.matchAll(/^ {2}([a-z][\w-]*)/gm) ?? [])].map(([, word = ""]) => word).filter((word) => word !== "help");
  const commandsOf = async (verb: string): Promise<string[]> => {
    if (["janitor", "version", "completion"].includes(verb)) return [verb];
    const commands = (await words(verb)).map((noun) => `${verb} ${noun}`);
    return commands.flatMap((command) => (command === "migrate sql" ? ["up", "down", "status"].map((word) => `${command} ${word}`) : [command]));
  };
  const commands = (await Promise.all((await words()).map(commandsOf))).flat();
  assert.ok(commands.length > 20);
  for (const command of commands) assert.match(text, new RegExp(`^\\| \`writ ${command}[ \`]`, "m"), command);
  const { stdout } = await writ(["create", "client", "--help"]);
  for (const [flag] of stdout.matchAll(/--[a-z][a-z-]+/g)) assert.ok(flag === "--help" || text.includes(flag), flag);
});
