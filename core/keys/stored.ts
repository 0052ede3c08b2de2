import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type JsonWebKey, JsonWebKeySchema } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { JwkRecordSchema } from "#gen/writ/store/v1/jwk_record_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { Sealer } from "#lib/seal.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { StoredJwk } from "../model/jwk.ts";
import { hasPrivatePart, publicPart } from "./jwk.ts";

/** A key as it is kept: the public part as it is, the whole key sealed but for its certificates, which are long and public. */
export function storeKey(sealer: Sealer, set: string, key: JsonWebKey, times: { readonly createdAt: EpochMillis; readonly activatesAt: EpochMillis }): StoredJwk {
  const sealedKey = hasPrivatePart(key) ? sealer.seal("stored_key", toBinary(JsonWebKeySchema, { ...key, x5c: [] })) : "";
  return { set, kid: key.kid, record: create(JwkRecordSchema, { publicKey: publicPart(key), sealedKey }), sealKeyId: sealedKey === "" ? undefined : sealer.keyId, ...times };
}

/**
 * The whole key.
 * @throws OAuthError temporarily_unavailable when it was sealed with a secret that is not configured; Error when it cannot be opened
 */
export function openKey(sealer: Sealer, { record, set, kid }: StoredJwk): JsonWebKey {
  if (record.sealedKey === "") return record.publicKey ?? create(JsonWebKeySchema);
  const opened = sealer.open("stored_key", record.sealedKey);
  if (opened.kind === "unknown_key") throw new OAuthError("temporarily_unavailable", `The key '${kid}' of the set '${set}' was sealed with a secret that is not configured here`);
  if (opened.kind !== "opened") throw new Error(`the key '${kid}' of the set '${set}' cannot be opened`);
  const key = fromBinary(JsonWebKeySchema, opened.payload);
  if (record.publicKey !== undefined && record.publicKey.x5c.length > 0) key.x5c = record.publicKey.x5c;
  return key;
}
