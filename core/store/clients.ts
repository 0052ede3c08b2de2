import type { StoredClient } from "#core/model/client.ts";
import type { ClientRecord } from "#gen/writ/store/v1/client_record_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Db } from "./db.ts";

/** A client as it stands now: exact on both engines (SQLite: from a cache that data_version guards; MySQL: coalesced reads). */
export declare function getClient(db: Db, issuer: number, clientId: string): Promise<StoredClient | undefined>;
/** By ascending client_id, those after `after`. */
export declare function listClients(db: Db, issuer: number, filter: { readonly after: string; readonly limit: number; readonly clientName?: string; readonly owner?: string }): Promise<StoredClient[]>;
export declare function insertClient(db: Db, issuer: number, client: { readonly record: ClientRecord; readonly incarnation: Uint8Array; readonly now: EpochMillis }): Promise<{ readonly kind: "inserted"; readonly client: StoredClient } | { readonly kind: "exists" }>;
/** Replaces the document if the row is still at `rowVersion`. */
export declare function updateClient(db: Db, issuer: number, clientId: string, change: { readonly record: ClientRecord; readonly rowVersion: number; readonly now: EpochMillis }): Promise<{ readonly kind: "updated"; readonly client: StoredClient } | { readonly kind: "changed" | "missing" }>;
/** Deletes the row and records the revocation event, in one transaction. */
export declare function deleteClient(db: Db, issuer: number, clientId: string): Promise<{ readonly kind: "deleted" | "missing" }>;
/** Moves `token_epoch` and records the revocation event, in one transaction. */
export declare function endAccessTokens(db: Db, issuer: number, clientId: string): Promise<{ readonly kind: "ended"; readonly tokenEpoch: number } | { readonly kind: "missing" }>;
