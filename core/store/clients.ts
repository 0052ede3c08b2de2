import { create, toBinary } from "@bufbuild/protobuf";
import { type ClientRecord, ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { StoredClient } from "../model/client.ts";
import { coalesce } from "./batch.ts";
import { cacheKey } from "./caches.ts";
import type { Db } from "./db.ts";
import { recordEvent } from "./events.ts";
import { bytes, document, integer, text } from "./row.ts";
import { insert, type Row, rows, run, type Steps } from "./steps.ts";

const COLUMNS = "client_id, incarnation, token_epoch, row_version, document";

/**
 * A client as it stands now, exactly: on SQLite from a cache that knows of every commit; on MySQL from a read that began
 * after the call did, shared with the calls that arrived beside it.
 */
export function getClient(db: Db, issuer: number, clientId: string): Promise<StoredClient | undefined> {
  if (!db.caches.usable()) return readClients(db, issuer, clientId);
  const known = db.caches.clients.get(cacheKey(issuer, clientId));
  return known === undefined ? readAndKeep(db, issuer, clientId) : Promise.resolve(known);
}

async function readAndKeep(db: Db, issuer: number, clientId: string): Promise<StoredClient | undefined> {
  const [row] = await db.driver.read(`SELECT ${COLUMNS} FROM clients WHERE issuer = ? AND client_id = ?`, [issuer, clientId]);
  const client = row === undefined ? undefined : toClient(row);
  if (client !== undefined) db.caches.clients.set(cacheKey(issuer, clientId), client);
  return client;
}

const readClients = coalesce(async (db: Db, issuer: number, clientIds: readonly string[], places: string) => {
  const found = await db.driver.read(`SELECT ${COLUMNS} FROM clients WHERE issuer = ? AND client_id IN (${places})`, [issuer, ...clientIds]);
  return new Map(found.map(toClient).map((client) => [client.record.client.clientId, client]));
});

/** By ascending client_id, in bytes; those after `after`. */
export async function listClients(
  db: Db,
  issuer: number,
  { after, limit, clientName, owner }: { readonly after: string; readonly limit: number; readonly clientName?: string; readonly owner?: string },
): Promise<StoredClient[]> {
  const conditions = ["issuer = ?", "client_id > ?", ...(clientName === undefined ? [] : ["client_name = ?"]), ...(owner === undefined ? [] : ["owner = ?"])];
  const params = [issuer, after, ...(clientName === undefined ? [] : [clientName]), ...(owner === undefined ? [] : [owner])];
  // The limit is a number of ours and not a parameter: MySQL takes none there in a prepared statement.
  const found = await db.driver.read(`SELECT ${COLUMNS} FROM clients WHERE ${conditions.join(" AND ")} ORDER BY client_id LIMIT ${Math.trunc(limit)}`, params);
  return found.map(toClient);
}

/** What making a client comes to. */
export type ClientInsert = { readonly kind: "inserted"; readonly client: StoredClient } | { readonly kind: "exists" };

/** Makes a client, unless there is one of its name. */
export async function insertClient(db: Db, issuer: number, { record, incarnation }: { readonly record: ClientRecord; readonly incarnation: Uint8Array; readonly now: EpochMillis }): Promise<ClientInsert> {
  const client = withClient(record);
  const { clientId, owner, clientName } = client.client;
  const inserted = await db.driver.write(
    function* (): Steps<boolean> {
      return yield* insert(
        "INSERT INTO clients (issuer, client_id, incarnation, token_epoch, owner, client_name, row_version, document) VALUES (?, ?, ?, 0, ?, ?, 1, ?)",
        issuer, clientId, incarnation, owner, clientName, toBinary(ClientRecordSchema, record),
      );
    },
    () => db.caches.forgetClient(issuer, clientId),
  );
  return inserted ? { kind: "inserted", client: { record: client, incarnation, tokenEpoch: 0, rowVersion: 1 } } : { kind: "exists" };
}

/** What changing a client comes to. `changed`: the row is no longer at the version that was read. */
export type ClientUpdate = { readonly kind: "updated"; readonly client: StoredClient } | { readonly kind: "changed" | "missing" };

/** Replaces the document if the row is still at `rowVersion`. */
export function updateClient(db: Db, issuer: number, clientId: string, { record, rowVersion }: { readonly record: ClientRecord; readonly rowVersion: number; readonly now: EpochMillis }): Promise<ClientUpdate> {
  const { owner, clientName } = withClient(record).client;
  return db.driver.write(
    function* (): Steps<ClientUpdate> {
      const matched = yield* run(
        "UPDATE clients SET owner = ?, client_name = ?, document = ?, row_version = row_version + 1 WHERE issuer = ? AND client_id = ? AND row_version = ?",
        owner, clientName, toBinary(ClientRecordSchema, record), issuer, clientId, rowVersion,
      );
      const [row] = yield* rows(`SELECT ${COLUMNS} FROM clients WHERE issuer = ? AND client_id = ?`, issuer, clientId);
      if (row === undefined) return { kind: "missing" };
      return matched === 1 ? { kind: "updated", client: toClient(row) } : { kind: "changed" };
    },
    () => db.caches.forgetClient(issuer, clientId),
  );
}

/** Deletes a client; its incarnation is in the event, so that all that captured it is known to be over. */
export function deleteClient(db: Db, issuer: number, clientId: string): Promise<{ readonly kind: "deleted" | "missing" }> {
  return db.driver.write(
    function* (): Steps<{ readonly kind: "deleted" | "missing" }> {
      const [row] = yield* rows("SELECT incarnation FROM clients WHERE issuer = ? AND client_id = ?", issuer, clientId);
      if (row === undefined) return { kind: "missing" };
      const incarnation = bytes(row, 0);
      const matched = yield* run("DELETE FROM clients WHERE issuer = ? AND client_id = ? AND incarnation = ?", issuer, clientId, incarnation);
      if (matched === 0) return { kind: "missing" };
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
      yield* run("UPDATE clients SET token_epoch = token_epoch + 1 WHERE issuer = ? AND client_id = ?", issuer, clientId);
      const [row] = yield* rows("SELECT incarnation, token_epoch FROM clients WHERE issuer = ? AND client_id = ?", issuer, clientId);
      if (row === undefined) return { kind: "missing" };
      const tokenEpoch = integer(row, 1);
      yield* recordEvent(db, issuer, { epoch: tokenEpoch, target: { case: "client", value: { clientId, incarnation: bytes(row, 0) } } });
      return { kind: "ended", tokenEpoch };
    },
    () => db.caches.forgetClient(issuer, clientId),
  );
}

function toClient(row: Row): StoredClient {
  const record = document(ClientRecordSchema, row, 4);
  if (record.client?.clientId !== text(row, 0)) throw new Error("a client's document does not belong to its row");
  return { record: withClient(record), incarnation: bytes(row, 1), tokenEpoch: integer(row, 2), rowVersion: integer(row, 3) };
}

function withClient(record: ClientRecord): StoredClient["record"] {
  if (record.client === undefined) throw new TypeError("a client record without a client");
  return (record.$typeName === ClientRecordSchema.typeName ? record : create(ClientRecordSchema, record)) as StoredClient["record"];
}
