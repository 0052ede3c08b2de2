import { type Command, InvalidArgumentError } from "commander";
import type { Port } from "../api.ts";
import { FORMATS } from "../output.ts";

/** A flag that may be given several times. */
export function repeat(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Adds a command that speaks to a port and prints what it says. */
export function apiCommand(parent: Command, port: Port, name: string, about: string): Command {
  return apiOptions(parent.command(name), port).description(about);
}

/** The flags of a command that speaks to a port and prints what it says. */
export function apiOptions(command: Command, port: Port): Command {
  return command
    .option("-e, --endpoint <url>", `where the ${port} port is; else WRIT_${port.toUpperCase()}_URL, WRIT_URL or ORY_SDK_URL in the environment`)
    .option("--skip-tls-verify", "take any certificate")
    .option("-H, --http-header <header>", "header to send, as 'Name: value'; may be repeated", repeat)
    .option("--format <format>", "table, json, json-pretty, yaml, jsonpath=PATH or jsonpointer=POINTER", checkFormat, "table")
    .option("-q, --quiet", "print ids only");
}

/** Looked at before anything is sent: who misspells the format of `create` must not lose the secret that would have been printed. */
function checkFormat(format: string): string {
  const isKnown = FORMATS.some((each) => (each.endsWith("=") ? format.startsWith(each) && format.length > each.length : format === each));
  if (!isKnown) throw new InvalidArgumentError(`Use one of: ${FORMATS.join(", ")}.`);
  return format;
}
