import { CliError, RefusedError } from "./cli-error.ts";

/** What came of doing the same with many things. */
export interface Done<R> {
  readonly done: readonly R[];
  /** A text for each that the server refused. */
  readonly refused: readonly string[];
}

/** Does one after the other; what the server refuses holds up none of the rest. @throws CliError for whatever concerns all of them */
export async function forEach<T, R>(items: readonly T[], nameOf: (item: T) => string, act: (item: T) => Promise<R>): Promise<Done<R>> {
  const done: R[] = [];
  const refused: string[] = [];
  for (const item of items) {
    try {
      done.push(await act(item));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      refused.push(`${nameOf(item)}: ${error.message}`);
    }
  }
  return { done, refused };
}

/** Ends a command whose good results have been printed. @throws CliError when something was refused */
export function requireNoneRefused({ done, refused }: Done<unknown>): void {
  const [only] = refused;
  if (only === undefined) return;
  throw new CliError(`${refused.join("\n")}${done.length + refused.length > 1 ? `\n${refused.length} of ${done.length + refused.length} failed.` : ""}`);
}
