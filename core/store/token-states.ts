import type { TokenState, TokenStateQuery } from "../model/token-state.ts";
import { padded, placeholders } from "./batch.ts";
import { cacheKey, type Caches } from "./caches.ts";
import type { Db } from "./db.ts";
import { bytes, integer, text } from "./row.ts";
import type { Param, Row } from "./steps.ts";

/** Queries of one statement. */
const MAX_QUERIES = 256;

/** All that decides whether a token lives, in one statement; none on SQLite when it is known already. Exact. */
export function readTokenState(db: Db, issuer: number, query: TokenStateQuery): Promise<TokenState> {
  if (!db.caches.usable()) return enqueue(db, issuer, query);
  const known = fromCaches(db.caches, issuer, query);
  return known === undefined ? readTokenStates(db, issuer, [query]).then(([state]) => state ?? GONE) : Promise.resolve(known);
}

/** The same for many, in few statements, in the order of the queries. */
export async function readTokenStates(db: Db, issuer: number, queries: readonly TokenStateQuery[]): Promise<TokenState[]> {
  const states: TokenState[] = [];
  for (let i = 0; i < queries.length; i += MAX_QUERIES) states.push(...(await readSome(db, issuer, queries.slice(i, i + MAX_QUERIES))));
  return states;
}

const GONE: TokenState = { client: undefined, revoked: false, grantEpoch: 0 };

function fromCaches(caches: Caches, issuer: number, { clientId, rowless, subject }: TokenStateQuery): TokenState | undefined {
  const client = caches.clientEpochs.get(cacheKey(issuer, clientId));
  if (client === undefined) return undefined;
  const revoked = rowless === undefined ? NOT_REVOKED : caches.revokedTokens.get(cacheKey(issuer, rowless));
  if (revoked === undefined) return undefined;
  const grantEpoch = subject === undefined ? NO_EPOCH : caches.grantEpochs.get(cacheKey(issuer, subject));
  return grantEpoch === undefined ? undefined : { client: client.client, revoked: revoked.revoked, grantEpoch: grantEpoch.epoch };
}

const NOT_REVOKED = { revoked: false } as const;
const NO_EPOCH = { epoch: 0 } as const;

async function readSome({ driver, caches }: Db, issuer: number, queries: readonly TokenStateQuery[]): Promise<TokenState[]> {
  const clientIds = [...new Set(queries.map(({ clientId }) => clientId))];
  const tokenIds = queries.flatMap(({ rowless }) => (rowless === undefined ? [] : [rowless]));
  const subjects = [...new Set(queries.flatMap(({ subject }) => (subject === undefined ? [] : [subject])))];
  // One statement, so one state of the database, whatever it is that is asked.
  const parts: { readonly sql: string; readonly keys: readonly Param[] }[] = [{ sql: "SELECT 1, client_id, incarnation, token_epoch FROM clients WHERE issuer = ? AND client_id IN", keys: clientIds }];
  if (tokenIds.length > 0) parts.push({ sql: "SELECT 2, token_id, NULL, 0 FROM revoked_tokens WHERE issuer = ? AND token_id IN", keys: tokenIds });
  if (subjects.length > 0) parts.push({ sql: "SELECT 3, subject, NULL, grant_epoch FROM subjects WHERE issuer = ? AND subject IN", keys: subjects });
  const found = await driver.read(
    parts.map(({ sql, keys }) => `${sql} (${placeholders(keys.length)})`).join(" UNION ALL "),
    parts.flatMap(({ keys }) => [issuer, ...padded(keys)]),
  );
  const clients = new Map<string, NonNullable<TokenState["client"]>>();
  const revoked = new Set<string>();
  const grantEpochs = new Map<string, number>();
  for (const row of found) sortRow(row, issuer, clients, revoked, grantEpochs);

  return queries.map(({ clientId, rowless, subject }) => {
    const state: TokenState = {
      client: clients.get(clientId),
      revoked: rowless !== undefined && revoked.has(cacheKey(issuer, rowless)),
      grantEpoch: subject === undefined ? 0 : (grantEpochs.get(subject) ?? 0),
    };
    if (driver.dialect.engine === "sqlite") {
      caches.clientEpochs.set(cacheKey(issuer, clientId), { client: state.client });
      if (rowless !== undefined) caches.revokedTokens.set(cacheKey(issuer, rowless), { revoked: state.revoked });
      if (subject !== undefined) caches.grantEpochs.set(cacheKey(issuer, subject), { epoch: state.grantEpoch });
    }
    return state;
  });
}

function sortRow(row: Row, issuer: number, clients: Map<string, NonNullable<TokenState["client"]>>, revoked: Set<string>, grantEpochs: Map<string, number>): void {
  switch (integer(row, 0)) {
    case 1:
      clients.set(text(row, 1), { incarnation: bytes(row, 2), tokenEpoch: integer(row, 3) });
      return;
    case 2:
      revoked.add(cacheKey(issuer, bytes(row, 1)));
      return;
    default:
      grantEpochs.set(text(row, 1), integer(row, 3));
  }
}

interface Waiter {
  readonly query: TokenStateQuery;
  readonly resolve: (state: TokenState) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_RUNNING = 4;
const queues = new WeakMap<Db, { waiting: Map<number, Waiter[]>; running: number; scheduled: boolean }>();

/** Calls that arrive together are answered by one statement, which begins after the last of them arrived. */
function enqueue(db: Db, issuer: number, query: TokenStateQuery): Promise<TokenState> {
  const queue = queues.get(db) ?? { waiting: new Map<number, Waiter[]>(), running: 0, scheduled: false };
  queues.set(db, queue);
  const flush = (): void => {
    queue.scheduled = false;
    for (const [of, waiters] of queue.waiting) {
      if (queue.running >= MAX_RUNNING) return;
      const batch = waiters.splice(0, MAX_QUERIES);
      if (waiters.length === 0) queue.waiting.delete(of);
      queue.running++;
      readSome(db, of, batch.map((each) => each.query))
        .then(
          (states) => batch.forEach(({ resolve }, i) => resolve(states[i] ?? GONE)),
          (error: unknown) => batch.forEach(({ reject }) => reject(error)),
        )
        .finally(() => {
          queue.running--;
          flush();
        });
    }
  };
  return new Promise((resolve, reject) => {
    const waiters = queue.waiting.get(issuer) ?? [];
    waiters.push({ query, resolve, reject });
    queue.waiting.set(issuer, waiters);
    if (queue.scheduled) return;
    queue.scheduled = true;
    setImmediate(flush);
  });
}
