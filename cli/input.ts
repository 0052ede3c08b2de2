import { readFileSync } from "node:fs";
import { CliError } from "./cli-error.ts";

/** Bytes of a file; `-` is standard input. @throws CliError that names the file */
export function readInput(file: string): Buffer {
  try {
    return readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    throw new CliError(`${inputName(file)} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`);
  }
}

/** The value of a JSON file; `-` is standard input. @throws CliError that names the file */
export function readJsonInput(file: string): unknown {
  try {
    return JSON.parse(readInput(file).toString()) as unknown;
  } catch (error) {
    throw error instanceof CliError ? error : new CliError(`${inputName(file)} holds no JSON.`);
  }
}

/** What a file is called in messages. */
export function inputName(file: string): string {
  return file === "-" ? "Standard input" : file;
}
