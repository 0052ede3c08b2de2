import { randomBytes } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { getTableColumns, getTableName } from "drizzle-orm";
import type { Db } from "#core/store/db.ts";
import { type Param, type Row, runText } from "#core/store/steps.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { makeTimeId } from "#lib/id.ts";
import { pooledRandom } from "#lib/random.ts";
import { systemClock } from "#lib/time.ts";

/** How many rows there shall be more. A grant comes with its session, the client of that, its subject and a remembered consent. */
export interface Filling {
  readonly clients: number;
  readonly grants: number;
}

/** Rows of one INSERT, and INSERTs of one transaction. */
const [ROWS, INSERTS] = [64, 512];

type Table = keyof Db["driver"]["dialect"]["tables"];
type Values = Readonly<Record<string, Param>>;

/** The nth client that was filled in. It has its model's secret. */
export const filledClient = (n: number): string => `filled-${n}`;

/**
 * Fills a database with rows such as a real grant has left there: each is a copy, with keys of its own and, but for time-ordered
 * ids, at random places of every index. @throws Error when there is no grant yet whose consent was remembered
 */
export async function fill(db: Db, { clients, grants }: Filling): Promise<void> {
  // A connection that only fills may be in a hurry: random places of large indexes want a large cache.
  if (db.engine === "sqlite") for (const pragma of ["cache_size = -800000", "synchronous = OFF"]) await db.driver.read(`PRAGMA ${pragma}`, []);
  const model = await modelOf(db);
  const client = fromBinary(ClientRecordSchema, model.clients.document as Uint8Array);
  await insertMany(db, "clients", model.clients, clients, (n) => {
    const clientId = filledClient(n);
    const record = create(ClientRecordSchema, { ...client, client: { ...client.client, clientId } as never });
    return { client_id: clientId, document: toBinary(ClientRecordSchema, record) };
  });
  const random = pooledRandom();
  const lives = Array.from({ length: grants }, () => ({
    id: makeTimeId(systemClock(), random),
    sessionId: makeTimeId(systemClock(), random),
    subject: randomBytes(16).toString("hex"),
  }));
  const of = (n: number) => lives[n] as (typeof lives)[number];
  const bySubject = lives.toSorted((a, b) => (a.subject < b.subject ? -1 : 1)); // into a tree that is sorted so, many times faster
  await insertMany(db, "subjects", { issuer: 1, grant_epoch: 0, session_epoch: 0 }, grants, (n) => ({ subject: bySubject[n]?.subject ?? "" }));
  await insertMany(db, "sessions", model.sessions, grants, (n) => ({ id: of(n).sessionId, birth: random(8), subject: of(n).subject }));
  await insertMany(db, "sessionClients", { issuer: 1, client_id: model.clients.client_id ?? null, client_incarnation: model.clients.incarnation ?? null }, grants, (n) => ({
    session_id: of(n).sessionId,
  }));
  await insertMany(db, "grants", model.grants, grants, (n) => ({
    id: of(n).id,
    birth: random(8),
    subject: of(n).subject,
    session_id: of(n).sessionId,
    decision: random(16),
    attempt: random(16),
  }));
  await insertMany(db, "consents", model.consents, grants, (n) => ({ subject: bySubject[n]?.subject ?? "", source_grant_id: bySubject[n]?.id ?? null }));
}

/** The newest remembered consent, its grant, and that one's session and client. */
async function modelOf(db: Db): Promise<Readonly<Record<"clients" | "sessions" | "grants" | "consents", Values>>> {
  const consents = await newest(db, "consents", "source_grant_id IS NOT NULL", []);
  const grants = await newest(db, "grants", "id = ?", [consents.source_grant_id ?? null]);
  const sessions = await newest(db, "sessions", "id = ?", [grants.session_id ?? null]);
  return { consents, grants, sessions, clients: await newest(db, "clients", "client_id = ?", [grants.client_id ?? null]) };
}

function describe(db: Db, table: Table): { readonly name: string; readonly columns: readonly string[] } {
  const found = db.driver.dialect.tables[table];
  return { name: getTableName(found), columns: Object.values(getTableColumns(found)).map(({ name }) => name) };
}

async function newest(db: Db, table: Table, where: string, params: readonly Param[]): Promise<Values> {
  const { name, columns } = describe(db, table);
  const [row] = (await db.driver.read(`SELECT ${columns.join(", ")} FROM ${name} WHERE ${where} LIMIT 1`, params)) as readonly Row[];
  if (row === undefined) throw new Error(`no row of ${name} to copy`);
  return Object.fromEntries(columns.map((column, i) => [column, row[i] as Param]));
}

async function insertMany(db: Db, table: Table, model: Values, count: number, own: (n: number) => Values): Promise<void> {
  const { name, columns } = describe(db, table);
  const text = (rows: number): string =>
    `INSERT INTO ${name} (${columns.join(", ")}) VALUES ${Array.from({ length: rows }, () => `(${columns.map(() => "?").join(", ")})`).join(", ")}`;
  for (let from = 0; from < count; from += ROWS * INSERTS)
    await db.driver.write(function* () {
      for (let n = from; n < Math.min(count, from + ROWS * INSERTS); n += ROWS) {
        const rows = Math.min(ROWS, count - n);
        const params = Array.from({ length: rows }, (_, i) => ({ ...model, ...own(n + i) })).flatMap((row: Values) => columns.map((column) => row[column] ?? null));
        yield* runText(text(rows), ...params);
      }
    });
}
