import type { Db } from "./db.ts";

/** Most keys of one statement. */
const MAX_KEYS = 256;
/** Batches of one kind that may be on their way at once; what arrives meanwhile makes a larger next one. */
const MAX_RUNNING = 4;

interface Waiter<V> {
  readonly key: string;
  readonly resolve: (value: V | undefined) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue<V> {
  waiting: Waiter<V>[];
  running: number;
  scheduled: boolean;
}

/** Reads values by their keys in one statement. `places` are its placeholders, as many as there are keys. */
export type ReadMany<V> = (db: Db, issuer: number, keys: readonly string[], places: string) => Promise<ReadonlyMap<string, V>>;

/**
 * Makes a look-up by key that shares statements: calls that arrive together are answered by one, which begins after the
 * last of them arrived, so each sees all that was committed before it was made. A failed statement fails only those that
 * waited for it.
 */
export function coalesce<V>(readMany: ReadMany<V>): (db: Db, issuer: number, key: string) => Promise<V | undefined> {
  const queues = new WeakMap<Db, Map<number, Queue<V>>>();

  const flush = (db: Db, issuer: number, queue: Queue<V>): void => {
    queue.scheduled = false;
    if (queue.waiting.length === 0 || queue.running >= MAX_RUNNING) return;
    const batch = queue.waiting.slice(0, MAX_KEYS);
    queue.waiting = queue.waiting.slice(MAX_KEYS);
    queue.running++;
    const keys = [...new Set(batch.map(({ key }) => key))];
    readMany(db, issuer, padded(keys), placeholders(keys.length))
      .then(
        (values) => batch.forEach(({ key, resolve }) => resolve(values.get(key))),
        (error: unknown) => batch.forEach(({ reject }) => reject(error)),
      )
      .finally(() => {
        queue.running--;
        flush(db, issuer, queue);
      });
    flush(db, issuer, queue);
  };

  return (db, issuer, key) => {
    const ofDb = queues.get(db) ?? new Map<number, Queue<V>>();
    queues.set(db, ofDb);
    const queue = ofDb.get(issuer) ?? { waiting: [], running: 0, scheduled: false };
    ofDb.set(issuer, queue);
    return new Promise<V | undefined>((resolve, reject) => {
      queue.waiting.push({ key, resolve, reject });
      if (queue.scheduled) return;
      queue.scheduled = true;
      setImmediate(flush, db, issuer, queue);
    });
  };
}

/** Keys repeated up to the next power of two, so that there are few different statements to prepare. */
export function padded<K>(keys: readonly K[]): K[] {
  const last = keys.at(-1);
  const size = powerOfTwo(keys.length);
  return last === undefined ? [] : [...keys, ...Array.from({ length: size - keys.length }, () => last)];
}

/** Placeholders for padded keys. */
export function placeholders(keys: number): string {
  return Array.from({ length: powerOfTwo(keys) }, () => "?").join(", ");
}

function powerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(n, 1)));
}
