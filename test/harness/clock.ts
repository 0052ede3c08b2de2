import { addMillis, type Clock, systemClock } from "#lib/time.ts";

/** A clock that a test moves. */
export interface TestClock {
  readonly clock: Clock;
  /** Moves it on. Milliseconds. */
  advance(milliseconds: number): void;
}

/** Makes a clock that runs with the system's, and ahead of it as far as it was moved. */
export function makeTestClock(): TestClock {
  let ahead = 0;
  return {
    clock: () => addMillis(systemClock(), ahead),
    advance(milliseconds) {
      ahead += milliseconds;
    },
  };
}

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
