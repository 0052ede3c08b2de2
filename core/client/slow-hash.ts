import { hash, pbkdf2, timingSafeEqual } from "node:crypto";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";
import { hash as argon2Hash, verify as argon2Verify } from "@node-rs/argon2";
import { LRUCache } from "lru-cache";
import { OAuthError } from "#lib/errors.ts";
import type { Random } from "#lib/random.ts";

/** Slow hashes of secrets that people chose or that were imported: argon2id for new ones; PBKDF2 and bcrypt, as Hydra writes them, are verified too. */
export interface SlowHash {
  /** PHC string. @throws OAuthError temporarily_unavailable when too many wait already */
  hash(secret: string): Promise<string>;
  /**
   * Off the event loop, a bounded number at once; a match is remembered as a keyed hash, in bounded memory. A hash of a
   * kind that is not known matches nothing.
   * @throws OAuthError temporarily_unavailable when too many wait already
   */
  verify(secret: string, phc: string): Promise<boolean>;
}

/** How slow hashing is bounded. */
export interface SlowHashOptions {
  readonly random: Random;
  /** How many run at once. */
  readonly concurrency?: number;
  /** How many may wait. */
  readonly maxWaiting?: number;
  /** How many matches are remembered. */
  readonly maxRemembered?: number;
}

/** OWASP's parameters for argon2id: 19 MiB, two passes, one lane. Some 11 ms. */
const ARGON2ID = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** Hashing runs on libuv's pool of four threads; one is left to whoever else needs it. */
const MAX_THREADS = 3;

type Verify = (secret: string, phc: string) => Promise<boolean>;

/** By the identifier at the head of a PHC string. */
const VERIFIERS: Readonly<Record<string, Verify>> = {
  argon2id: (secret, phc) => argon2Verify(phc, secret),
  "2a": verifyBcrypt,
  "2b": verifyBcrypt,
  "2y": verifyBcrypt,
  "pbkdf2-sha256": (secret, phc) => verifyPbkdf2("sha256", secret, phc),
  "pbkdf2-sha512": (secret, phc) => verifyPbkdf2("sha512", secret, phc),
};

/** Forms of hashes that are verified here, with the numbers that say what a check costs, and the most of each. */
const FORMS: readonly { readonly form: RegExp; readonly most: readonly number[] }[] = [
  { form: /^\$argon2id\$v=19\$m=([1-9]\d{0,6}),t=([1-9]\d{0,1}),p=([1-9]\d{0,1})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}$/, most: [262_144, 10, 8] },
  { form: /^\$2[aby]\$(\d\d)\$[A-Za-z0-9./]{53}$/, most: [14] },
  { form: /^\$pbkdf2-sha(?:256|512)\$i=([1-9]\d{0,7}),l=(\d{2,3})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,171}$/, most: [2_000_000, 128] },
];

/** Whether a hash from elsewhere can be kept: one that is verified here, and whose check takes a second or so at most. */
export function isSlowHash(phc: string): boolean {
  return FORMS.some(
    ({ form, most }) =>
      form
        .exec(phc)
        ?.slice(1)
        .every((number, i) => Number(number) <= (most[i] ?? 0)) === true,
  );
}

/** Makes the slow hash of one process. */
export function makeSlowHash({ random, concurrency = Math.min(availableParallelism(), MAX_THREADS), maxWaiting = 64, maxRemembered = 10_000 }: SlowHashOptions): SlowHash {
  const key = Buffer.from(random(32)).toString("base64");
  const matches = new LRUCache<string, true>({ max: maxRemembered });
  const underWay = new Map<string, Promise<boolean>>();
  const inTurn = makeQueue(concurrency, maxWaiting);

  return {
    hash: (secret) => inTurn(() => argon2Hash(secret, ARGON2ID)),
    async verify(secret, phc) {
      const [, kind = ""] = phc.split("$", 2);
      const verifier = Object.hasOwn(VERIFIERS, kind) ? VERIFIERS[kind] : undefined;
      if (verifier === undefined) return false;
      // Neither the secret nor a hash that could be searched without the key stays in memory. The key in front does for an
      // HMAC, at a tenth of the time: nobody sees a digest to extend. A PHC string holds no NUL.
      const id = hash("sha256", `${key}\0${phc}\0${secret}`, "base64");
      if (matches.get(id)) return true;
      // The same question asked by many at once is worked on once: a busy client after a start, or a flood of one guess.
      const asked = underWay.get(id);
      if (asked !== undefined) return asked;
      const answer = inTurn(() => verifier(secret, phc)).finally(() => underWay.delete(id));
      underWay.set(id, answer);
      const isMatch = await answer;
      if (isMatch) matches.set(id, true); // only matches: wrong guesses must not push right ones out
      return isMatch;
    },
  };
}

/** Runs so many at once; lets so many wait, in order; refuses the rest. */
function makeQueue(concurrency: number, maxWaiting: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = concurrency;
  return async (work) => {
    if (free > 0) free--;
    else if (waiting.length >= maxWaiting) throw new OAuthError("temporarily_unavailable", "Too many secrets are being checked; try again");
    else await new Promise<void>((resolve) => waiting.push(resolve)); // whoever finishes passes its place on
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

/** Loaded when the first such hash is met: few have any. */
async function verifyBcrypt(secret: string, phc: string): Promise<boolean> {
  return (await import("@node-rs/bcrypt")).verify(secret, phc);
}

const derive = promisify(pbkdf2);
const PBKDF2_PHC = /^\$pbkdf2-sha\d{3}\$i=(\d{1,8}),l=(\d{1,3})\$([A-Za-z0-9+/]{1,256})\$([A-Za-z0-9+/]{1,1368})$/;

/** Hydra's form: `$pbkdf2-sha256$i=25000,l=32$salt$hash`, both in base64 without padding. */
async function verifyPbkdf2(digest: string, secret: string, phc: string): Promise<boolean> {
  const [, iterations, length, salt, expected] = PBKDF2_PHC.exec(phc) ?? [];
  if (iterations === undefined || length === undefined || salt === undefined || expected === undefined) return false;
  const want = Buffer.from(expected, "base64");
  if (want.length !== Number(length) || Number(iterations) < 1) return false;
  return timingSafeEqual(await derive(secret, Buffer.from(salt, "base64"), Number(iterations), want.length, digest), want);
}
