import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ClientRecord, ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import { type ClientIdentity, isOfClient, type StoredClient } from "../model/client.ts";
import { LIMITS } from "../model/limits.ts";
import { coalesce, padded } from "./batch.ts";
import { cacheKey } from "./caches.ts";
import type { Db } from "./db.ts";
import { recordEvent } from "./events.ts";
import { and, asc, eq, gt, inArray, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, roundUp, statements, value, variants } from "./statement.ts";
import { insert, rows, run, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { clients } }) => {
  const columns = { clientId: clients.clientId, incarnation: clients.incarnation, tokenEpoch: clients.tokenEpoch, rowVersion: clients.rowVersion, document: clients.document };
  const ofIssuer = eq(clients.issuer, value("issuer"));
  const one = and(ofIssuer, eq(clients.clientId, value("clientId")));
  const page = (filter: { readonly name: boolean; readonly owner: boolean }) =>
    variants((limit) => {
      const conditions = [
        ofIssuer,
        gt(clients.clientId, value("after")),
        ...(filter.name ? [eq(clients.clientName, value("clientName"))] : []),
        ...(filter.owner ? [eq(clients.owner, value("owner"))] : []),
      ];
      // The limit is a number of ours and not a value: MySQL takes none there that is bound to a prepared statement.
      return compileRead(
        query
          .select(columns)
          .from(clients)
          .where(and(...conditions))
          .orderBy(asc(clients.clientId))
          .limit(sql.raw(String(limit)) as unknown as number),
      );
    });
  return {
    get: compileRead(query.select(columns).from(clients).where(one)),
    getMany: variants((n) =>
      compile(
        query
          .select(columns)
          .from(clients)
          .where(
            and(
              ofIssuer,
              inArray(
                clients.clientId,
                Array.from({ length: n }, () => value("clientId")),
              ),
            ),
          ),
      ),
    ),
    list: {
      all: page({ name: false, owner: false }),
      named: page({ name: true, owner: false }),
      owned: page({ name: false, owner: true }),
      both: page({ name: true, owner: true }),
    },
    insert: compile(
      query.insert(clients).values({
        issuer: value("issuer"),
        clientId: value("clientId"),
        incarnation: value("incarnation"),
        tokenEpoch: 0,
        owner: value("owner"),
        clientName: value("clientName"),
        rowVersion: 1,
        document: value("document"),
      }),
    ),
    update: compile(
      query
        .update(clients)
        .set({ owner: sql`${value("owner")}`, clientName: sql`${value("clientName")}`, document: sql`${value("document")}`, rowVersion: sql`${clients.rowVersion} + 1` })
        .where(and(one, eq(clients.rowVersion, value("rowVersion")))),
    ),
    delete: compile(query.delete(clients).where(and(one, eq(clients.incarnation, value("incarnation"))))),
    deleteVersion: compile(query.delete(clients).where(and(one, eq(clients.incarnation, value("incarnation")), eq(clients.rowVersion, value("rowVersion"))))),
    endTokens: compile(
      query
        .update(clients)
        .set({ tokenEpoch: sql`${clients.tokenEpoch} + 1` })
        .where(one),
    ),
  };
});

/** The very client that something was made for. Undefined: it is no more, whoever has its name now. */
export async function getSameClient(db: Db, issuer: number, identity: ClientIdentity): Promise<StoredClient | undefined> {
  const client = await getClient(db, issuer, identity.clientId);
  return client !== undefined && isOfClient(client, identity) ? client : undefined;
}

/**
 * A client as it stands: on SQLite from a cache that knows of every commit made before the request arrived, and of all our
 * own; on MySQL from a read that began after the call did, shared with the calls that arrived beside it.
 */
export async function getClient(db: Db, issuer: number, clientId: string): Promise<StoredClient | undefined> {
  if (clientId === "" || clientId.length > LIMITS.clientId) return undefined; // nothing such is registered
  if (!db.caches.usable()) return readClient(db, issuer, clientId);
  const key = cacheKey(issuer, clientId);
  const known = db.caches.clients.get(key);
  if (known !== undefined) return known;
  const { get } = built(db);
  const found = db.driver.readNow(get.sql, get.bind({ issuer, clientId }));
  if (found === undefined) return read(db, get, { issuer, clientId }).then(([row]) => (row === undefined ? undefined : toClient(row)));
  const client = found[0] === undefined ? undefined : toClient(get.decode(found[0]));
  // In the same turn as the look at the version: nothing can have been committed in between by this process.
  if (client !== undefined) db.caches.clients.set(key, client);
  return client;
}

const readClient = coalesce(async (db: Db, issuer: number, clientIds: readonly string[]) => {
  const { getMany, get } = built(db);
  const keys = padded([...new Set(clientIds)]);
  const found = (await db.driver.read(getMany(keys.length).sql, [issuer, ...keys])).map((row) => toClient(get.decode(row)));
  const byId = new Map(found.map((client) => [client.record.client.clientId, client]));
  return clientIds.map((clientId) => byId.get(clientId));
});

/** By ascending client_id, in bytes; those after `after`. */
export async function listClients(
  db: Db,
  issuer: number,
  { after, limit, clientName, owner }: { readonly after: string; readonly limit: number; readonly clientName?: string; readonly owner?: string },
): Promise<StoredClient[]> {
  const { all, named, owned, both } = built(db).list;
  const kind = clientName === undefined ? (owner === undefined ? all : owned) : owner === undefined ? named : both;
  const found = await read(db, kind(roundUp(limit)), { issuer, after, ...(clientName === undefined ? {} : { clientName }), ...(owner === undefined ? {} : { owner }) });
  return found.slice(0, limit).map(toClient);
}

/** Every client, in the order of their ids, `page` of them in a statement. What is made or deleted meanwhile may be seen or not. */
export async function* allClients(db: Db, issuer: number, page = 500): AsyncGenerator<StoredClient, void> {
  for (let after = ""; ; ) {
    const found = await listClients(db, issuer, { after, limit: page });
    yield* found;
    const last = found.at(-1);
    if (last === undefined || found.length < page) return;
    after = last.record.client.clientId;
  }
}

/** What making a client comes to. */
export type ClientInsert = { readonly kind: "inserted"; readonly client: StoredClient } | { readonly kind: "exists" };

/** Makes a client, unless there is one of its name. Its random incarnation tells a try whose acknowledgement was lost that it had won. */
export async function insertClient(
  db: Db,
  issuer: number,
  { record, incarnation }: { readonly record: ClientRecord; readonly incarnation: Uint8Array; readonly now: EpochMillis },
): Promise<ClientInsert> {
  const client = withClient(record);
  const { clientId, owner, clientName } = client.client;
  const values = { issuer, clientId, incarnation, owner, clientName, document: toBinary(ClientRecordSchema, record) };
  const inserted = await db.driver.write(
    function* (): Steps<boolean> {
      const statement = built(db);
      if (yield* insert(statement.insert, values)) return true;
      const [row] = yield* rows(statement.get, { issuer, clientId });
      return row !== undefined && equalBytes(row.incarnation, incarnation);
    },
    () => db.caches.forgetClient(issuer, clientId),
    { repeatable: true },
  );
  return inserted ? { kind: "inserted", client: { record: client, incarnation, tokenEpoch: 0, rowVersion: 1 } } : { kind: "exists" };
}

/** What changing a client comes to. `changed`: the row is no longer at the version that was read. */
export type ClientUpdate = { readonly kind: "updated"; readonly client: StoredClient } | { readonly kind: "changed" | "missing" };

/** Replaces the document if the row is still at `rowVersion`. */
export function updateClient(
  db: Db,
  issuer: number,
  clientId: string,
  { record, rowVersion }: { readonly record: ClientRecord; readonly rowVersion: number; readonly now: EpochMillis },
): Promise<ClientUpdate> {
  const { owner, clientName } = withClient(record).client;
  const values = { issuer, clientId, owner, clientName, document: toBinary(ClientRecordSchema, record), rowVersion };
  return db.driver.write(
    function* (): Steps<ClientUpdate> {
      const { update, get } = built(db);
      const matched = yield* run(update, values);
      const [row] = yield* rows(get, { issuer, clientId });
      if (row === undefined) return { kind: "missing" };
      return matched === 1 ? { kind: "updated", client: toClient(row) } : { kind: "changed" };
    },
    () => db.caches.forgetClient(issuer, clientId),
  );
}

/** What deleting a client comes to. `changed`: it is no longer as it was read. */
export type ClientDelete = { readonly kind: "deleted" | "missing" | "changed" };

/**
 * Deletes a client; its incarnation is in the event, so that all that captured it is known to be over. `wanted`: only as it
 * was read.
 */
export function deleteClient(db: Db, issuer: number, clientId: string, wanted?: Pick<StoredClient, "incarnation" | "rowVersion">): Promise<ClientDelete> {
  return db.driver.write(
    function* (): Steps<ClientDelete> {
      const statement = built(db);
      const [row] = yield* rows(statement.get, { issuer, clientId });
      if (row === undefined) return { kind: "missing" };
      const { incarnation } = row;
      if (wanted !== undefined && !equalBytes(incarnation, wanted.incarnation)) return { kind: "changed" };
      const matched = yield* wanted === undefined
        ? run(statement.delete, { issuer, clientId, incarnation })
        : run(statement.deleteVersion, { issuer, clientId, incarnation, rowVersion: wanted.rowVersion });
      if (matched === 0) return { kind: wanted === undefined ? "missing" : "changed" };
      yield* recordEvent(db, issuer, { epoch: 1, target: { case: "clientDeleted", value: { clientId, incarnation } } });
      return { kind: "deleted" };
    },
    () => db.caches.forgetClient(issuer, clientId),
  );
}

/** What ending access tokens comes to. */
export type AccessTokensEnd = { readonly kind: "ended"; readonly tokenEpoch: number } | { readonly kind: "missing" };

/** Ends all access tokens of a client: its `token_epoch` moves. */
export function endAccessTokens(db: Db, issuer: number, clientId: string): Promise<AccessTokensEnd> {
  return db.driver.write(
    function* (): Steps<AccessTokensEnd> {
      const { endTokens, get } = built(db);
      yield* run(endTokens, { issuer, clientId });
      const [row] = yield* rows(get, { issuer, clientId });
      if (row === undefined) return { kind: "missing" };
      const { tokenEpoch, incarnation } = row;
      yield* recordEvent(db, issuer, { epoch: tokenEpoch, target: { case: "client", value: { clientId, incarnation } } });
      return { kind: "ended", tokenEpoch };
    },
    () => db.caches.forgetClient(issuer, clientId),
  );
}

interface ClientRow {
  readonly clientId: string;
  readonly incarnation: Uint8Array;
  readonly tokenEpoch: number;
  readonly rowVersion: number;
  readonly document: Uint8Array;
}

function toClient({ clientId, incarnation, tokenEpoch, rowVersion, document }: ClientRow): StoredClient {
  const record = fromBinary(ClientRecordSchema, document);
  if (record.client?.clientId !== clientId) throw new Error("a client's document does not belong to its row");
  return { record: withClient(record), incarnation, tokenEpoch, rowVersion };
}

function withClient(record: ClientRecord): StoredClient["record"] {
  if (record.client === undefined) throw new TypeError("a client record without a client");
  return (record.$typeName === ClientRecordSchema.typeName ? record : create(ClientRecordSchema, record)) as StoredClient["record"];
}
