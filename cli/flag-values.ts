import { parseDuration } from "#lib/duration.ts";
import { CliError } from "./cli-error.ts";

/** The milliseconds of a flag. @throws CliError that names it */
export function durationOf(flag: string, text: string): number {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new CliError(`${flag} is '${text}', which is no duration such as 720h or 1h30m.`);
  return milliseconds;
}
