import type { ClientRecord } from "#gen/writ/store/v1/client_record_pb.ts";
import { equalBytes } from "#lib/hash.ts";

/** A client as the store has it. Never changed in place: it may be shared through a cache. */
export interface StoredClient {
  readonly record: ClientRecord & { readonly client: NonNullable<ClientRecord["client"]> };
  /** Random, 8 bytes: a client that is deleted and made again under its old name is another one. */
  readonly incarnation: Uint8Array;
  /** Moves when all access tokens of the client end. */
  readonly tokenEpoch: number;
  /** Moves with every change of the document. */
  readonly rowVersion: number;
}

/** What names a client for good: one that is deleted and made again under its old name is another. */
export interface ClientIdentity {
  readonly clientId: string;
  readonly clientIncarnation: Uint8Array;
}

/** Whether something was made for this very client. */
export function isOfClient({ record, incarnation }: StoredClient, { clientId, clientIncarnation }: ClientIdentity): boolean {
  return record.client.clientId === clientId && equalBytes(incarnation, clientIncarnation);
}
