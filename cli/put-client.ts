import { type ApiFlags, call, readAnswer } from "./api.ts";
import { CliError, RefusedError } from "./cli-error.ts";
import type { Applied } from "./client-changes.ts";

/** What applying a client comes to, or why the server does not take it. @throws CliError when it knows no such call */
export async function applyClient(flags: ApiFlags, clientId: string, body: object): Promise<Applied | { readonly refused: string }> {
  const response = await call(flags, "POST", `/admin/clients/${encodeURIComponent(clientId)}/apply`, body);
  const { status } = response;
  if (status === 400) return { refused: descriptionOf(response.text) };
  if (status === 404 || status === 405) throw new CliError("The server does not know how to apply clients. Is the endpoint really the admin port of a Writ of this version?");
  return readAnswer(response, "admin").body as Applied;
}

/** Sends something that the server keeps. @throws RefusedError in its words when it does not */
export async function keep(flags: ApiFlags, method: "POST" | "PUT", path: string, body: unknown): Promise<void> {
  const response = await call(flags, method, path, body);
  if (response.status === 400) throw new RefusedError(descriptionOf(response.text));
  readAnswer(response, "admin");
}

/** The server's words about a request that it refused. */
function descriptionOf(text: string): string {
  try {
    const { error_description: description, error } = JSON.parse(text) as { readonly error_description?: unknown; readonly error?: unknown };
    if (typeof description === "string" && description !== "") return description;
    if (typeof error === "string") return error;
  } catch {
    // it is no JSON
  }
  return text.slice(0, 500);
}
