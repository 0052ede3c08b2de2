import { LRUCache } from "lru-cache";
import { halfHash } from "#lib/hash.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";

/** Wrong user codes of one device challenge: whoever mistypes more often begins again. */
const PER_CHALLENGE = 5;
/** Wrong user codes of one network in the life of a code. Behind a proxy all people come from one; 500 of 2³⁴·⁵ are no luck to speak of. */
const PER_NETWORK = 500;
const MAX_KNOWN = 100_000;

/** Whose wrong codes are counted together. */
export interface Guesser {
  readonly id: Uint8Array;
  readonly network: Uint8Array;
}

/** Counts wrong user codes, so that nobody finds one by trying (RFC 8628 §5.1). In the memory of one core. */
export interface Guesses {
  /**
   * Takes one try before the code is looked at: of many at once none slips through. False: there are no more. A try whose code
   * was right is given back.
   */
  take(guesser: Guesser, now: EpochMillis): boolean;
  giveBack(guesser: Guesser): void;
}

interface Count {
  count: number;
  readonly until: EpochMillis;
}

/** Makes an empty count. `window`: milliseconds after which wrong codes are forgotten. */
export function makeGuesses(window: number): Guesses {
  let known: LRUCache<string, Count> | undefined;
  const counts = (): LRUCache<string, Count> => {
    known ??= new LRUCache({ max: MAX_KNOWN }); // it takes its memory at once, and many servers have no devices
    return known;
  };
  const keysOf = ({ id, network }: Guesser) =>
    [
      [`c${Buffer.from(id).toString("latin1")}`, PER_CHALLENGE],
      [`n${Buffer.from(network).toString("latin1")}`, PER_NETWORK],
    ] as const;
  const countOf = (key: string, now: EpochMillis): Count => {
    const before = counts().get(key);
    if (before !== undefined && before.until > now) return before;
    const fresh = { count: 0, until: addMillis(now, window) };
    counts().set(key, fresh);
    return fresh;
  };
  return {
    take(guesser, now) {
      const all = keysOf(guesser).map(([key, most]) => ({ entry: countOf(key, now), most }));
      if (all.some(({ entry, most }) => entry.count >= most)) return false;
      for (const { entry } of all) entry.count++;
      return true;
    },
    giveBack(guesser) {
      for (const [key] of keysOf(guesser)) {
        const entry = counts().get(key);
        if (entry !== undefined && entry.count > 0) entry.count--;
      }
    },
  };
}

/** Names the network of an address. Whoever has an IPv6 address has the 2⁶⁴ beside it, so the first half counts. */
export function networkOf(address: string): Uint8Array {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  if (!plain.includes(":")) return halfHash(plain);
  const [left = "", right] = plain.toLowerCase().split("::");
  const groups = (text: string): string[] => text.split(":").filter((each) => each !== "");
  const after = right === undefined ? [] : groups(right);
  const before = groups(left);
  const all = [...before, ...Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0"), ...after];
  return halfHash(
    all
      .slice(0, 4)
      .map((each) => each.replace(/^0+(?=.)/, ""))
      .join(":"),
  );
}
