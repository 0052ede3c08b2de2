/** Something that the person at the terminal can mend: its text is printed as it is, and the exit code is 1. */
export class CliError extends Error {
  override readonly name = "CliError";
}

/** A request that a server answered and refused. Others may fare better. */
export class RefusedError extends CliError {}
