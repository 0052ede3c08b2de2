import type { z } from "zod";
import { closest } from "./closest.ts";
import type { Places } from "./config-places.ts";
import { LEAVES, namesAt } from "./config-schema.ts";

type Issue = z.core.$ZodIssue;

/** What is wrong with a configuration: a line for each thing, with its place, its dotted path, and what to do. No value is shown. */
export function describeIssues(issues: readonly Issue[], places: Places): string {
  return issues.flatMap((issue) => describe(issue, places)).join("\n");
}

function describe(issue: Issue, places: Places): string[] {
  const path = issue.path.map(String);
  if (issue.code !== "unrecognized_keys") return [line(path, reason(issue), places)];
  return issue.keys.map((key) => line([...path, key], `is no known key${hint(path, key)}`, places));
}

function line(path: readonly string[], text: string, places: Places): string {
  return `${places.find(path) ?? "configuration"}: ${path.join(".")} ${text}`;
}

function hint(path: readonly string[], key: string): string {
  const near = closest(key, namesAt(path));
  if (near !== undefined) return `; did you mean ${[...path, near].join(".")}?`;
  if (LEAVES.some((leaf) => leaf.path.join(".") === [...path, key].join("."))) return " in one piece; write a level for each dot";
  const elsewhere = LEAVES.filter((leaf) => leaf.path.at(-1) === key).map((leaf) => leaf.path.join("."));
  return elsewhere.length === 1 ? `; did you mean ${elsewhere[0]}?` : "";
}

function reason(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${NOUNS[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `must ${bound(issue.origin, "at least", Number(issue.minimum))}`;
    case "too_big":
      return `must ${bound(issue.origin, "at most", Number(issue.maximum))}`;
    case "invalid_format":
      return issue.format === "url" ? "must be an http or https URL" : `must match ${issue.pattern ?? issue.format}`;
    default:
      return issue.message;
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  string: "text (in quotes, if it looks like a number)",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping of keys to values",
};

function bound(origin: string, most: string, limit: number): string {
  if (origin === "string") return `have ${most} ${limit} characters`;
  return origin === "array" ? `have ${most} ${limit} ${limit === 1 ? "entry" : "entries"}` : `be ${most} ${limit}`;
}
