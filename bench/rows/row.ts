import type { Row } from "../measure.ts";
import type { Setup } from "../setup.ts";

/** A row of the table and what it needs. */
export interface RowMaker {
  readonly name: string;
  /** Part of `--quick`. */
  readonly quick: boolean;
  readonly make: (setup: Setup) => Promise<Omit<Row, "name">>;
}
