import { LRUCache } from "lru-cache";
import type { EpochMillis } from "#lib/time.ts";
import type { DeviceCode } from "../model/device-code.ts";

/** RFC 8628 §3.5: by so many seconds for each poll that came too fast. */
const STEP = 5;
/** Where it ends: a longer wait would help nobody, and each step is written. Seconds. */
const LONGEST = 60;
/** A poll that comes this much of the interval after the one before is in time: clocks and ways differ. */
const TOLERANCE = 0.9;
const MAX_KNOWN = 100_000;

/**
 * Knows when devices polled last, in the memory of one core: a row that is written at each poll would be the most written of
 * all. With several cores each sees a part of the polls, so a fast one may pass; a device that keeps the interval is never told
 * to slow down.
 */
export interface PollPace {
  /** Notes a poll of a request that is pending. Undefined: it was in time. Else the interval in seconds from now on. */
  note(code: Pick<DeviceCode, "birth" | "userCodeHash" | "pollInterval">, now: EpochMillis): number | undefined;
}

/** Makes an empty memory. */
export function makePollPace(): PollPace {
  let polls: LRUCache<string, { readonly at: EpochMillis; readonly interval: number }> | undefined;
  return {
    note({ birth, userCodeHash, pollInterval }, now) {
      polls ??= new LRUCache({ max: MAX_KNOWN }); // it takes its memory at once, and many servers have no devices
      const key = Buffer.concat([birth, userCodeHash]).toString("latin1");
      const last = polls.get(key);
      const interval = Math.max(pollInterval, last?.interval ?? 0);
      const isTooFast = last !== undefined && now - last.at < interval * 1000 * TOLERANCE;
      const next = isTooFast ? Math.max(interval, Math.min(interval + STEP, LONGEST)) : interval;
      polls.set(key, { at: now, interval: next });
      return isTooFast ? next : undefined;
    },
  };
}
