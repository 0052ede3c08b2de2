import { randomFillSync } from "node:crypto";

/** Makes `bytes` random bytes. The caller may keep and change them. */
export type Random = (bytes: number) => Uint8Array;

const POOL_SIZE = 8192;

/** Random bytes from the system's generator, drawn in bulk: one call in hundreds reaches the system. */
export function pooledRandom(): Random {
  const pool = Buffer.alloc(POOL_SIZE);
  let used = POOL_SIZE;
  return (bytes) => {
    if (bytes > POOL_SIZE) return randomFillSync(new Uint8Array(bytes));
    if (used + bytes > POOL_SIZE) {
      randomFillSync(pool);
      used = 0;
    }
    // A copy, and the pool forgets what it gave: a slice would change, or be read again, with the pool's next turn.
    const taken = new Uint8Array(pool.subarray(used, used + bytes));
    pool.fill(0, used, used + bytes);
    used += bytes;
    return taken;
  };
}
