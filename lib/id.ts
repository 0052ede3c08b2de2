import type { Random } from "./random.ts";
import type { EpochMillis } from "./time.ts";

/** A time-ordered identifier of 16 bytes: 48 bits of milliseconds, 80 random bits. Neighbours in time are neighbours in an index. */
export type TimeId = Uint8Array;

/** Makes a time-ordered identifier. */
export function makeTimeId(now: EpochMillis, random: Random): TimeId {
  const id = new Uint8Array(16);
  id.set(random(10), 6);
  const high = Math.floor(now / 0x1_0000_0000);
  const low = now % 0x1_0000_0000;
  id[0] = high >>> 8;
  id[1] = high;
  id[2] = low >>> 24;
  id[3] = low >>> 16;
  id[4] = low >>> 8;
  id[5] = low;
  return id;
}
