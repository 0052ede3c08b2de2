import { clone, create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, type ClientLifespans, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { type ClientRecord, ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { makeUuid } from "#lib/id.ts";
import { isSignatureAlg } from "#lib/signature-algs.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { getClient, insertClient, updateClient } from "../store/clients.ts";
import { invalid } from "./invalid.ts";
import { normalizeMetadata } from "./metadata.ts";
import { keepChosenSecret, keepMadeSecret, MAX_SECRET_BYTES, makeSecret, NO_SECRET, type SecretCheck } from "./secret.ts";

/** What registration needs. */
export type RegisterDeps = Pick<Deps, "db" | "issuer" | "random" | "slowHash" | "keys" | "log">;

const MIN_SECRET = 6;
/** How often a change is tried again when somebody else changed the client in between. */
const MAX_TRIES = 10;

/**
 * Registers a client. The answer is the only one that holds its secret. Undefined: its id is taken.
 * @throws OAuthError invalid_client_metadata or invalid_redirect_uri naming the member
 * @see RFC 7591 §3.2.1
 */
export async function registerClient(deps: RegisterDeps, sent: Client, now: EpochMillis): Promise<Client | undefined> {
  const named = clone(ClientSchema, sent);
  named.clientId = sent.clientId || makeUuid(deps.random);
  const client = normalizeMetadata(named, now, now);
  const secret = await settleSecret(deps, client, sent.clientSecret, undefined);
  await makeKeysFor(deps, client, now);
  const outcome = await insertClient(deps.db, deps.issuer, { record: create(ClientRecordSchema, { client, secret: secret.kept }), incarnation: deps.random(8), now });
  if (outcome.kind === "exists") return undefined;
  deps.log.info("client_created", { client_id: client.clientId });
  return withSecret(client, secret.shown);
}

/**
 * Replaces a client's metadata; its secret stays unless a new one is sent. Undefined: there is no such client.
 * @see RFC 7592 §2.2
 */
export function replaceClient(deps: RegisterDeps, clientId: string, sent: Client, now: EpochMillis): Promise<Client | undefined> {
  return changeClient(deps, clientId, () => sent, now);
}

/** Replaces the lifespans of a client, all of them. Undefined: there is no such client. */
export function replaceLifespans(deps: RegisterDeps, clientId: string, lifespans: ClientLifespans | undefined, now: EpochMillis): Promise<Client | undefined> {
  return changeClient(
    deps,
    clientId,
    (before) => {
      const client = clone(ClientSchema, before);
      if (lifespans === undefined) delete client.lifespans;
      else client.lifespans = lifespans;
      return client;
    },
    now,
  );
}

/**
 * Changes a client to what `change` makes of it, or again what it makes of the newer one if somebody else was faster.
 * Undefined: there is no such client.
 */
export async function changeClient(deps: RegisterDeps, clientId: string, change: (before: Client) => Client, now: EpochMillis): Promise<Client | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await getClient(deps.db, deps.issuer, clientId);
    if (before === undefined) return undefined;
    const changed = await tryChange(deps, before, change(before.record.client), now);
    if (changed !== "again") return changed;
  }
  throw new OAuthError("temporarily_unavailable", "The client is being changed by others; try again");
}

async function tryChange(deps: RegisterDeps, before: StoredClient, sent: Client, now: EpochMillis): Promise<Client | undefined | "again"> {
  const named = clone(ClientSchema, sent);
  named.clientId = before.record.client.clientId;
  const { createdAt } = before.record.client;
  const client = normalizeMetadata(named, createdAt === undefined ? now : (timestampMs(createdAt) as EpochMillis), now);
  const secret = await settleSecret(deps, client, sent.clientSecret, before.record.secret);
  await makeKeysFor(deps, client, now);
  const outcome = await updateClient(deps.db, deps.issuer, client.clientId, { record: recordOf(before.record, client, secret.kept), rowVersion: before.rowVersion, now });
  if (outcome.kind === "changed") return "again";
  if (outcome.kind === "missing") return undefined;
  deps.log.info("client_updated", { client_id: client.clientId });
  return withSecret(client, secret.shown);
}

/** The keys of the algorithms that a client registers for are made now: its first login should neither wait for them nor meet verifiers that do not know them. */
export async function makeKeysFor({ keys }: RegisterDeps, { idTokenSignedResponseAlg, userinfoSignedResponseAlg }: Client, now: EpochMillis): Promise<void> {
  for (const alg of [idTokenSignedResponseAlg, userinfoSignedResponseAlg]) if (isSignatureAlg(alg)) await keys.current("hydra.openid.id-token", alg, now);
}

/** What a newer version wrote in the record and this one does not know is kept. */
export function recordOf(before: ClientRecord, client: Client, secret: SecretCheck): ClientRecord {
  const record = clone(ClientRecordSchema, before);
  record.client = clone(ClientSchema, client);
  const unknown = before.client?.$unknown;
  if (unknown !== undefined) record.client.$unknown = unknown;
  record.secret = secret;
  return record;
}

/** Which secret the client has from now on, and what of it is shown. */
async function settleSecret(deps: RegisterDeps, client: Client, sent: string, before: SecretCheck | undefined): Promise<{ readonly kept: SecretCheck; readonly shown: string }> {
  if (client.tokenEndpointAuthMethod === "none") return { kept: NO_SECRET, shown: "" };
  if (sent !== "") {
    requireSecret(sent);
    return { kept: await keepChosenSecret(deps, sent), shown: sent };
  }
  if (before !== undefined && before.case !== undefined) return { kept: before, shown: "" };
  const made = makeSecret(deps.random);
  return { kept: keepMadeSecret(made), shown: made };
}

/** @throws OAuthError invalid_client_metadata when it is none that a client may have */
export function requireSecret(sent: string): void {
  if (sent.length < MIN_SECRET || Buffer.byteLength(sent) > MAX_SECRET_BYTES) throw invalid("client_secret", `must have ${MIN_SECRET} to ${MAX_SECRET_BYTES} characters`);
  if (/[^\x20-\x7e]/.test(sent)) throw invalid("client_secret", "must have printable ASCII characters only (RFC 6749 App. A.2)");
}

function withSecret(client: Client, secret: string): Client {
  const shown = clone(ClientSchema, client);
  shown.clientSecret = secret;
  return shown;
}
