import { CliError } from "./cli-error.ts";

/** What the person at the terminal is told of an error: what to do where that is known, else one line; never a stack. */
export function explain(error: unknown): string {
  if (error instanceof CliError) return error.message;
  if (!(error instanceof Error)) return firstLine(String(error));
  const { cause } = error;
  const why = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? firstLine(cause.message)) : undefined;
  // Outside of requests only the store throws one; what it says is meant for a client that asks for a token.
  if (error.name === "OAuthError") return `the database cannot be used (${why ?? error.message}): see that it runs and that dsn is right`;
  return `${firstLine(error.message)}${why === undefined ? "" : ` (${why})`}`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
