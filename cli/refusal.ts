import { CliError } from "./cli-error.ts";
import type { CliResponse } from "./http-request.ts";

/** The server's words about a request that it refused. */
export function descriptionOf(text: string): string {
  try {
    const { error_description: description, error } = JSON.parse(text) as { readonly error_description?: unknown; readonly error?: unknown };
    if (typeof description === "string" && description !== "") return description;
    if (typeof error === "string") return error;
  } catch {
    // it is no JSON
  }
  return text.slice(0, 500);
}

/** @throws CliError when the answer to applying a client is that of a server which cannot */
export function requireApplies({ status }: CliResponse): void {
  if (status === 404 || status === 405) throw new CliError("The server does not know how to apply clients. Is the endpoint really the admin port of a Writ of this version?");
}
