import { type Command, Option } from "commander";

/** Adds a command that speaks to a server and prints what it says. */
export function apiCommand(parent: Command, name: string, about: string): Command {
  return parent
    .command(name)
    .description(about)
    .option("-e, --endpoint <url>", "where the server is; else WRIT_ADMIN_URL, WRIT_PUBLIC_URL or ORY_SDK_URL")
    .option("--skip-tls-verify", "take any certificate")
    .option("-H, --http-header <header>", "header to send, as 'Name: value'; may be repeated", (value: string, before: readonly string[] = []) => [...before, value])
    .addOption(new Option("--format <format>", "table, json, json-pretty, yaml, jsonpath=PATH or jsonpointer=POINTER").default("table"))
    .option("-q, --quiet", "print ids only");
}
