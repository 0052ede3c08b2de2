import type { TokenState, TokenStateQuery } from "../model/token-state.ts";
import { answerAll, coalesce, padded } from "./batch.ts";
import { type Caches, cacheKey } from "./caches.ts";
import type { Db } from "./db.ts";
import type { Dialect } from "./dialect.ts";
import { readGrantState, readGrantStates } from "./grant-states.ts";
import { bytes, integer, text } from "./row.ts";
import { and, eq, inArray, sql } from "./schema/drizzle.ts";
import { compile, type Statement, statements, value, variants } from "./statement.ts";
import type { Row } from "./steps.ts";

/** Statements by how many clients, tokens and subjects they ask for: each zero or a power of two. */
const built = statements((dialect) => variants3((clients, tokens, subjects) => stateStatement(dialect, clients, tokens, subjects)));

function variants3(build: (a: number, b: number, c: number) => Statement): (a: number, b: number, c: number) => Statement {
  const of = variants((a) => variants((b) => variants((c) => build(a, b, c))));
  return (a, b, c) => of(a)(b)(c);
}

/** Rows of three kinds from three tables in one statement, so of one state of the database. */
function stateStatement({ query, tables }: Dialect, clients: number, tokens: number, subjects: number): Statement {
  const keys = (n: number) => Array.from({ length: n }, () => value("key"));
  const { clients: c, revokedTokens: r, subjects: s } = tables;
  const none = sql<null>`NULL`;
  const parts = [
    query
      .select({
        kind: sql<number>`1`.as("kind"),
        key: sql<unknown>`${c.clientId}`.as("k"),
        incarnation: sql<unknown>`${c.incarnation}`.as("incarnation"),
        epoch: sql<unknown>`${c.tokenEpoch}`.as("epoch"),
      })
      .from(c)
      .where(and(eq(c.issuer, value("issuer")), inArray(c.clientId, keys(clients)))),
    query
      .select({
        kind: sql<number>`2`.as("kind"),
        key: sql<unknown>`${r.tokenId}`.as("k"),
        incarnation: sql<unknown>`${none}`.as("incarnation"),
        epoch: sql<unknown>`0`.as("epoch"),
      })
      .from(r)
      .where(and(eq(r.issuer, value("issuer")), inArray(r.tokenId, tokens === 0 ? keys(1) : keys(tokens)))),
    query
      .select({
        kind: sql<number>`3`.as("kind"),
        key: sql<unknown>`${s.subject}`.as("k"),
        incarnation: sql<unknown>`${none}`.as("incarnation"),
        epoch: sql<unknown>`${s.grantEpoch}`.as("epoch"),
      })
      .from(s)
      .where(and(eq(s.issuer, value("issuer")), inArray(s.subject, subjects === 0 ? keys(1) : keys(subjects)))),
  ] as const;
  const [ofClients, ofTokens, ofSubjects] = parts;
  if (tokens > 0 && subjects > 0) return compile(ofClients.unionAll(ofTokens).unionAll(ofSubjects));
  if (tokens > 0) return compile(ofClients.unionAll(ofTokens));
  return compile(subjects > 0 ? ofClients.unionAll(ofSubjects) : ofClients);
}

/** All that decides whether a token lives, in one statement; none on SQLite when it is known already. Exact. */
export async function readTokenState(db: Db, issuer: number, query: TokenStateQuery): Promise<TokenState> {
  if (query.grant !== undefined) return readGrantState(db, issuer, query.grant.id);
  if (!db.caches.usable()) return readCoalesced(db, issuer, query);
  const known = fromCaches(db.caches, issuer, query);
  if (known !== undefined) return known;
  const [state = GONE] = readNow(db, issuer, [query]) ?? (await readSome(db, issuer, [query]));
  return state;
}

/** The same for many, in few statements, in the order of the queries. */
export async function readTokenStates(db: Db, issuer: number, queries: readonly TokenStateQuery[]): Promise<TokenState[]> {
  const ofGrants = await readGrantStates(
    db,
    issuer,
    queries.flatMap(({ grant }) => (grant === undefined ? [] : [grant.id])),
  );
  const others = queries.filter(({ grant }) => grant === undefined);
  const ofOthers = await readOthers(db, issuer, others);
  let [nextGrant, nextOther] = [0, 0];
  return queries.map(({ grant }) => (grant === undefined ? ofOthers[nextOther++] : ofGrants[nextGrant++]) ?? GONE);
}

/** Of tokens without a grant: from the caches what is there, the rest in as few statements as can be. */
function readOthers(db: Db, issuer: number, queries: readonly TokenStateQuery[]): Promise<TokenState[]> {
  return answerAll(db, queries, {
    known: (query) => fromCaches(db.caches, issuer, query),
    now: (some) => readNow(db, issuer, some),
    later: (some) => readSome(db, issuer, some),
  });
}

/** Reads in this very turn, and keeps what it found. Undefined: the database is busy. */
function readNow(db: Db, issuer: number, queries: readonly TokenStateQuery[]): readonly TokenState[] | undefined {
  const { sql: text, params } = stateQuery(db, issuer, queries);
  const rows = db.driver.readNow(text, params);
  if (rows === undefined) return undefined;
  const states = toStates(rows, queries);
  queries.forEach((query, i) => {
    keep(db.caches, issuer, query, states[i] ?? GONE);
  });
  return states;
}

const GONE: TokenState = { client: undefined, revoked: false, grantEpoch: 0 };

const readCoalesced = coalesce(readSome);

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

/** Only in the same turn as the read: what another caller learned meanwhile must not be put back. */
function keep(caches: Caches, issuer: number, { clientId, rowless, subject }: TokenStateQuery, state: TokenState): void {
  caches.clientEpochs.set(cacheKey(issuer, clientId), { client: state.client });
  if (rowless !== undefined) caches.revokedTokens.set(cacheKey(issuer, rowless), { revoked: state.revoked });
  if (subject !== undefined) caches.grantEpochs.set(cacheKey(issuer, subject), { epoch: state.grantEpoch });
}

async function readSome(db: Db, issuer: number, queries: readonly TokenStateQuery[]): Promise<TokenState[]> {
  const { sql: text, params } = stateQuery(db, issuer, queries);
  return toStates(await db.driver.read(text, params), queries);
}

function stateQuery(db: Db, issuer: number, queries: readonly TokenStateQuery[]) {
  const clients = padded([...new Set(queries.map(({ clientId }) => clientId))]);
  const tokens = padded(queries.flatMap(({ rowless }) => (rowless === undefined ? [] : [rowless])));
  const subjects = padded([...new Set(queries.flatMap(({ subject }) => (subject === undefined ? [] : [subject])))]);
  const params = [issuer, ...clients, ...(tokens.length === 0 ? [] : [issuer, ...tokens]), ...(subjects.length === 0 ? [] : [issuer, ...subjects])];
  return { sql: built(db)(clients.length, tokens.length, subjects.length).sql, params };
}

function toStates(rows: readonly Row[], queries: readonly TokenStateQuery[]): TokenState[] {
  const clients = new Map<string, NonNullable<TokenState["client"]>>();
  const revoked = new Set<string>();
  const grantEpochs = new Map<string, number>();
  for (const [kind, key, incarnation, epoch] of rows) {
    if (kind === 1) clients.set(text(key), { incarnation: bytes(incarnation), tokenEpoch: integer(epoch) });
    else if (kind === 2) revoked.add(cacheKey(0, bytes(key)));
    else grantEpochs.set(text(key), integer(epoch));
  }
  return queries.map(({ clientId, rowless, subject }) => ({
    client: clients.get(clientId),
    revoked: rowless !== undefined && revoked.size > 0 && revoked.has(cacheKey(0, rowless)),
    grantEpoch: subject === undefined ? 0 : (grantEpochs.get(subject) ?? 0),
  }));
}
