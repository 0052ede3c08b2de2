import { clone, create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { type ClientRecord, ClientRecordSchema, RotatedSecretSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { getClient, updateClient } from "../store/clients.ts";
import { untilChanged } from "./again.ts";
import { keepMadeSecret, makeSecret, SHOWS_SECRET } from "./secret.ts";

/** What rotating secrets needs. */
export type RotateSecretDeps = Pick<Deps, "db" | "issuer" | "random" | "log">;

/** How many secrets before the present one may work, as Hydra's. */
const MAX_ROTATED = 5;

/**
 * Gives a client a new secret; the answer is the only one that holds it. Those before it work on, so that each of the client's
 * programs can be given the new one in its own time. Undefined: there is no such client.
 * @throws OAuthError invalid_request for a client that shows no secret
 */
export async function rotateSecret(deps: RotateSecretDeps, clientId: string, now: EpochMillis): Promise<Client | undefined> {
  const made = makeSecret(deps.random);
  const client = await change(deps, clientId, now, (record) => {
    const { secret } = record;
    if (secret.case === "secretSha256" || secret.case === "secretPhc") record.rotatedSecrets.unshift(create(RotatedSecretSchema, { secret }));
    record.rotatedSecrets.splice(MAX_ROTATED);
    record.secret = keepMadeSecret(made);
  });
  return client === undefined ? undefined : { ...client, clientSecret: made };
}

/** Ends the secrets of a client before the present one. Undefined: there is no such client. @throws OAuthError as `rotateSecret` */
export function endRotatedSecrets(deps: RotateSecretDeps, clientId: string, now: EpochMillis): Promise<Client | undefined> {
  return change(deps, clientId, now, (record) => void record.rotatedSecrets.splice(0));
}

function change(deps: RotateSecretDeps, clientId: string, now: EpochMillis, apply: (record: ClientRecord) => void): Promise<Client | undefined> {
  return untilChanged(async () => {
    const before = await getClient(deps.db, deps.issuer, clientId);
    if (before === undefined) return undefined;
    const { tokenEndpointAuthMethod: method } = before.record.client;
    if (!SHOWS_SECRET.has(method))
      throw new OAuthError("invalid_request", `Only clients of client_secret_basic and client_secret_post have secrets to rotate, and this one's method is '${method}'`);
    const record = clone(ClientRecordSchema, before.record);
    const client = clone(ClientSchema, before.record.client);
    client.updatedAt = timestampFromMs(toSeconds(now) * 1000);
    record.client = client;
    apply(record);
    const { kind } = await updateClient(deps.db, deps.issuer, clientId, { record, rowVersion: before.rowVersion, now });
    if (kind === "missing") return undefined;
    if (kind === "changed") return "again";
    deps.log.info("client_updated", { client_id: clientId });
    return client;
  });
}
