import { OAuthError } from "#lib/errors.ts";
import type { Db } from "./db.ts";
import { roundUp } from "./statement.ts";

/** Most questions of one statement. */
export const MAX_BATCH = 256;
/** Batches of one kind that may be on their way at once; what arrives meanwhile makes a larger next one. */
const MAX_RUNNING = 4;

interface Waiter<Q, A> {
  readonly question: Q;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

interface Queue<Q, A> {
  waiting: Waiter<Q, A>[];
  running: number;
  scheduled: boolean;
}

/** Answers at most `MAX_BATCH` questions with one statement, in their order. */
export type AnswerMany<Q, A> = (db: Db, issuer: number, questions: readonly Q[]) => Promise<readonly A[]>;

/**
 * Makes a look-up that shares statements: calls that arrive together are answered by one, which begins after the last of
 * them arrived, so each sees all that was committed before it was made.
 */
export function coalesce<Q, A>(answerMany: AnswerMany<Q, A>): (db: Db, issuer: number, question: Q) => Promise<A> {
  const queues = new WeakMap<Db, Map<number, Queue<Q, A>>>();

  const flush = (db: Db, issuer: number, queue: Queue<Q, A>): void => {
    queue.scheduled = false;
    while (queue.waiting.length > 0 && queue.running < MAX_RUNNING) {
      const batch = queue.waiting.splice(0, MAX_BATCH);
      queue.running++;
      void answer(answerMany, db, issuer, batch).then(() => {
        queue.running--;
        flush(db, issuer, queue);
      });
    }
  };

  return (db, issuer, question) => {
    const queue = queueOf(queues, db, issuer);
    return new Promise<A>((resolve, reject) => {
      queue.waiting.push({ question, resolve, reject });
      if (queue.scheduled) return;
      queue.scheduled = true;
      setImmediate(flush, db, issuer, queue);
    });
  };
}

/** Settles every waiter of a batch; never rejects. */
async function answer<Q, A>(answerMany: AnswerMany<Q, A>, db: Db, issuer: number, batch: readonly Waiter<Q, A>[]): Promise<void> {
  try {
    const answers = await answerMany(
      db,
      issuer,
      batch.map(({ question }) => question),
    );
    batch.forEach(({ resolve }, i) => resolve(answers[i] as A)); // as many answers as questions
  } catch (error) {
    // A row that cannot be read must not fail those who only happened to ask at the same time; a database that cannot be
    // reached fails for all of them.
    if (batch.length === 1 || error instanceof OAuthError) for (const { reject } of batch) reject(error);
    else for (const waiter of batch) await answer(answerMany, db, issuer, [waiter]);
  }
}

function queueOf<Q, A>(queues: WeakMap<Db, Map<number, Queue<Q, A>>>, db: Db, issuer: number): Queue<Q, A> {
  const ofDb = queues.get(db) ?? new Map<number, Queue<Q, A>>();
  queues.set(db, ofDb);
  const queue = ofDb.get(issuer) ?? { waiting: [], running: 0, scheduled: false };
  ofDb.set(issuer, queue);
  return queue;
}

/** How many questions are answered in as few statements as can be. `now`: in this very turn, where the engine can; undefined: not now. */
export interface Answering<Q, A> {
  readonly known: (question: Q) => A | undefined;
  readonly now: (questions: readonly Q[]) => readonly A[] | undefined;
  readonly later: (questions: readonly Q[]) => Promise<readonly A[]>;
}

/** Answers questions, in their order: from the caches of `db` what is known while they may be used, the rest by batches. */
export async function answerAll<Q, A>({ caches }: Pick<Db, "caches">, questions: readonly Q[], { known, now, later }: Answering<Q, A>): Promise<A[]> {
  const answers = caches.usable() ? questions.map(known) : questions.map(() => undefined);
  const missing = questions.filter((_, i) => answers[i] === undefined);
  const found: A[] = [];
  for (let i = 0; i < missing.length; i += MAX_BATCH) {
    const some = missing.slice(i, i + MAX_BATCH);
    found.push(...((caches.usable() ? now(some) : undefined) ?? (await later(some))));
  }
  let next = 0;
  return answers.map((answer) => answer ?? (found[next++] as A)); // as many as were missing
}

/** Keys repeated up to the next power of two, so that there are few different statements to prepare. */
export function padded<K>(keys: readonly K[]): K[] {
  const last = keys.at(-1);
  return last === undefined ? [] : [...keys, ...Array.from({ length: roundUp(keys.length) - keys.length }, () => last)];
}
