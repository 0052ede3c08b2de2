import type { ClientRecord } from "#gen/writ/store/v1/client_record_pb.ts";

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
