import { clone, create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, type ClientLifespans, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { type ClientRecord, ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { makeUuid } from "#lib/id.ts";
import { isSecretAlg, isSignatureAlg, SECRET_ALGS } from "#lib/signature-algs.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { getClient, insertClient, updateClient } from "../store/clients.ts";
import { untilChanged } from "./again.ts";
import { invalid } from "./invalid.ts";
import { normalizeMetadata } from "./metadata.ts";
import { makeRegistrationToken, type RegistrationToken } from "./registration-token.ts";
import {
  keepChosenSecret,
  keepMadeSecret,
  keepSealedSecret,
  MAX_SECRET_BYTES,
  makeSecret,
  NO_SECRET,
  openSecret,
  type SecretCheck,
  SHOWS_SECRET,
  SIGNING_LENGTH,
} from "./secret.ts";
import { requireSectorDocument } from "./sector.ts";

/** What registration needs. */
export type RegisterDeps = Pick<Deps, "db" | "issuer" | "settings" | "random" | "slowHash" | "keys" | "sealer" | "outbound" | "log">;

/** The method by which a client signs with its secret. */
export const SECRET_JWT = "client_secret_jwt";
const MIN_SECRET = 6;

/**
 * Registers a client. The answer is the only one that holds its secret. Undefined: its id is taken.
 * @throws OAuthError invalid_client_metadata or invalid_redirect_uri naming the member
 * @see RFC 7591 §3.2.1
 */
export async function registerClient(deps: RegisterDeps, sent: Client, now: EpochMillis): Promise<Client | undefined> {
  const named = clone(ClientSchema, sent);
  named.clientId = sent.clientId || makeUuid(deps.random);
  const client = normalizeMetadata(deps.settings.clients, named, now, now);
  await requireSectorDocument(deps, client, undefined);
  const secret = await settleSecret(deps, client, sent.clientSecret, undefined);
  await makeKeysFor(deps, client, now);
  // hydra.md §2.11: clients of the admin API can be managed by themselves too, where any can.
  const token = deps.settings.clients.registration.enabled ? makeRegistrationToken(deps) : undefined;
  const record = create(ClientRecordSchema, { client, secret: secret.kept, ...(token === undefined ? {} : { registrationTokenSha256: token.kept }) });
  const outcome = await insertClient(deps.db, deps.issuer, { record, incarnation: deps.random(8), now });
  if (outcome.kind === "exists") return undefined;
  deps.log.info("client_created", { client_id: client.clientId });
  return withCredentials(deps, client, secret.shown, token?.shown);
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
export function changeClient(deps: RegisterDeps, clientId: string, change: (before: Client) => Client, now: EpochMillis): Promise<Client | undefined> {
  return changeStoredClient(deps, clientId, ({ record }) => ({ client: change(record.client) }), now);
}

/** What a client is changed to. */
export interface ClientChange {
  readonly client: Client;
  /** A registration access token in place of the one before. Absent: that stays. */
  readonly token?: RegistrationToken;
}

/** The same by what is stored of it. `change` may throw: then nothing is changed. */
export function changeStoredClient(
  deps: RegisterDeps,
  clientId: string,
  change: (before: StoredClient) => ClientChange | Promise<ClientChange>,
  now: EpochMillis,
): Promise<Client | undefined> {
  return untilChanged(async () => {
    const before = await getClient(deps.db, deps.issuer, clientId);
    return before === undefined ? undefined : tryChange(deps, before, await change(before), now);
  });
}

async function tryChange(deps: RegisterDeps, before: StoredClient, { client: sent, token }: ClientChange, now: EpochMillis): Promise<Client | undefined | "again"> {
  const named = clone(ClientSchema, sent);
  named.clientId = before.record.client.clientId;
  const { createdAt } = before.record.client;
  const client = normalizeMetadata(deps.settings.clients, named, createdAt === undefined ? now : (timestampMs(createdAt) as EpochMillis), now);
  await requireSectorDocument(deps, client, before.record.client);
  const secret = await settleSecret(deps, client, sent.clientSecret, before.record.secret);
  await makeKeysFor(deps, client, now);
  const record = recordOf(before.record, client, secret.kept);
  if (token !== undefined) record.registrationTokenSha256 = token.kept;
  const outcome = await updateClient(deps.db, deps.issuer, client.clientId, { record, rowVersion: before.rowVersion, now });
  if (outcome.kind === "changed") return "again";
  if (outcome.kind === "missing") return undefined;
  deps.log.info("client_updated", { client_id: client.clientId });
  return withCredentials(deps, client, secret.shown, token?.shown);
}

/** The keys of the algorithms that a client registers for are made now: its first login should neither wait for them nor meet verifiers that do not know them. */
export async function makeKeysFor({ keys }: RegisterDeps, { idTokenSignedResponseAlg, userinfoSignedResponseAlg }: Client, now: EpochMillis): Promise<void> {
  for (const alg of [idTokenSignedResponseAlg, userinfoSignedResponseAlg]) if (isSignatureAlg(alg)) await keys.current("hydra.openid.id-token", alg, now);
}

/** What a newer version wrote in the record and this one does not know is kept. Whoever sets another secret ends those before it. */
export function recordOf(before: ClientRecord, client: Client, secret: SecretCheck): ClientRecord {
  const record = clone(ClientRecordSchema, before);
  record.client = clone(ClientSchema, client);
  const unknown = before.client?.$unknown;
  if (unknown !== undefined) record.client.$unknown = unknown;
  record.secret = secret;
  if (secret !== before.secret || !SHOWS_SECRET.has(client.tokenEndpointAuthMethod)) record.rotatedSecrets = [];
  return record;
}

/** Which secret the client has from now on, and what of it is shown. */
export async function settleSecret(
  deps: RegisterDeps,
  client: Client,
  sent: string,
  before: SecretCheck | undefined,
): Promise<{ readonly kept: SecretCheck; readonly shown: string }> {
  if (client.tokenEndpointAuthMethod === "none") return { kept: NO_SECRET, shown: "" };
  const signs = client.tokenEndpointAuthMethod === SECRET_JWT;
  if (sent !== "") {
    if (sent.length < MIN_SECRET || Buffer.byteLength(sent) > MAX_SECRET_BYTES) throw invalid("client_secret", `must have ${MIN_SECRET} to ${MAX_SECRET_BYTES} characters`);
    if (/[^\x20-\x7e]/.test(sent)) throw invalid("client_secret", "must have printable ASCII characters only (RFC 6749 App. A.2)");
    if (signs) requireLongSecret(client, Buffer.byteLength(sent));
    return { kept: signs ? keepSealedSecret(deps, sent) : await keepChosenSecret(deps, sent), shown: sent };
  }
  if (before !== undefined && before.case !== undefined) return { kept: await keepOn(deps, client, before), shown: "" };
  if (signs) {
    const made = makeSecret(deps.random, SIGNING_LENGTH);
    return { kept: keepSealedSecret(deps, made), shown: made };
  }
  const made = makeSecret(deps.random);
  return { kept: keepMadeSecret(made), shown: made };
}

/** The secret that a client has already, kept as its method needs it: sealed only where it signs with it. */
async function keepOn(deps: RegisterDeps, client: Client, before: SecretCheck): Promise<SecretCheck> {
  const secret = openSecret(deps, before);
  if (client.tokenEndpointAuthMethod !== SECRET_JWT) return secret === undefined ? before : keepChosenSecret(deps, Buffer.from(secret).toString());
  if (secret === undefined) throw invalid("client_secret", "must be sent for client_secret_jwt: only a hash is kept of the present one");
  requireLongSecret(client, secret.length);
  return before;
}

/** RFC 7518 §3.2: as long as the hash, at least; without a registered algorithm the shortest serves. */
function requireLongSecret({ tokenEndpointAuthSigningAlg: alg }: Client, bytes: number): void {
  const min = SECRET_ALGS[isSecretAlg(alg) ? alg : "HS256"];
  if (bytes < min) throw invalid("client_secret", `must have ${min} characters or more for client_secret_jwt${alg === "" ? "" : ` by ${alg}`}`);
}

function withCredentials({ settings }: RegisterDeps, client: Client, secret: string, token: string | undefined): Client {
  const shown = clone(ClientSchema, client);
  shown.clientSecret = secret;
  return token === undefined ? shown : withRegistration({ settings }, shown, token);
}

/** The client with its registration access token, and where that is used (RFC 7592 §3). */
export function withRegistration({ settings }: Pick<Deps, "settings">, client: Client, token: string): Client {
  const shown = clone(ClientSchema, client);
  shown.registrationAccessToken = token;
  shown.registrationClientUri = `${settings.publicUrl}/oauth2/register/${encodeURIComponent(client.clientId)}`;
  return shown;
}
