import { clone, create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import type { RegisterClientRequest, RegisteredClientSchema, UpdateRegisteredClientRequest } from "#gen/writ/oauth/v1/registration_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes, hashSecret } from "#lib/hash.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { deleteClient, getClient } from "../store/clients.ts";
import { readDynamicClient } from "./dynamic-rules.ts";
import { invalid } from "./invalid.ts";
import { changeStoredClient, type RegisterDeps, registerClient, withRegistration } from "./register.ts";
import { isRightToken, makeRegistrationToken, requireBearer, wrongToken } from "./registration-token.ts";
import { isRightSecret, openSecret } from "./secret.ts";

/** What dynamic registration needs. */
export type RegistrationDeps = RegisterDeps & Pick<Deps, "config" | "registrationLimit">;

type Registered = MessageInitShape<typeof RegisteredClientSchema>;

/**
 * A stranger makes a client.
 * @throws OAuthError Not Found where it is not enabled; invalid_token, too_many_requests, and what is wrong with the metadata
 * @see RFC 7591 §3
 */
export async function registerDynamicClient(
  deps: RegistrationDeps,
  { authorization, client: sent, softwareStatement }: RegisterClientRequest,
  now: EpochMillis,
): Promise<Registered> {
  requireEnabled(deps);
  requireInitialAccessToken(deps, authorization); // RFC 7591 §3
  refuseSoftwareStatement(softwareStatement); // §2.3
  if (sent !== undefined && sent.clientSecret !== "") throw invalid("client_secret", "is made by the server");
  const client = readDynamicClient(deps.settings.clients, sent ?? create(ClientSchema), undefined);
  client.clientId = ""; // §3.2.1: the server's to choose
  deps.registrationLimit.take(now);
  const made = await registerClient(deps, client, now);
  if (made === undefined) throw new Error("two clients got the same random name");
  return describe(made);
}

/** @see RFC 7592 §2.1 */
export async function getDynamicClient(deps: RegistrationDeps, authorization: string, clientId: string): Promise<Registered> {
  requireEnabled(deps);
  const token = requireBearer(authorization);
  const { client } = (await requireManaged(deps, clientId, token)).record;
  return describe(withRegistration(deps, client, token));
}

/**
 * A client replaces what it says of itself. Its token is good for one change: of two that are made at once with the same one
 * wins, and the other is told that its token is none.
 * @see RFC 7592 §2.2
 */
export async function updateDynamicClient(
  deps: RegistrationDeps,
  { authorization, clientId, client: sent = create(ClientSchema), softwareStatement }: UpdateRegisteredClientRequest,
  now: EpochMillis,
): Promise<Registered> {
  requireEnabled(deps);
  const token = requireBearer(authorization);
  await requireManaged(deps, clientId, token);
  deps.registrationLimit.take(now); // an update writes, and may fetch what the client names
  refuseSoftwareStatement(softwareStatement);
  const { compatHydra } = deps.settings;
  if (!compatHydra && sent.clientId !== "" && sent.clientId !== clientId) throw invalid("client_id", "is another client's (RFC 7592 §2.2)");
  const newToken = makeRegistrationToken(deps);
  const change = async (before: StoredClient) => {
    if (!isRightToken(before.record, token)) throw refused(deps, clientId);
    await requireSameSecret(deps, before, sent.clientSecret);
    return { client: readDynamicClient(deps.settings.clients, sent, before.record.client), token: newToken };
  };
  const changed = await changeStoredClient(deps, clientId, change, now);
  if (changed === undefined) throw refused(deps, clientId);
  return describe(changed);
}

/** @see RFC 7592 §2.3 */
export async function deleteDynamicClient(deps: RegistrationDeps, authorization: string, clientId: string): Promise<void> {
  requireEnabled(deps);
  const token = requireBearer(authorization);
  // Again if it was changed in between: then it may be by the same token that is none any more.
  for (;;) {
    const { incarnation, rowVersion } = await requireManaged(deps, clientId, token);
    const { kind } = await deleteClient(deps.db, deps.issuer, clientId, { incarnation, rowVersion });
    if (kind === "changed") continue;
    if (kind === "missing") throw refused(deps, clientId);
    deps.log.info("client_deleted", { client_id: clientId });
    return;
  }
}

function requireEnabled({ settings }: RegistrationDeps): void {
  if (!settings.clients.registration.enabled) throw new OAuthError("Not Found", "Dynamic client registration is not enabled: see oidc.dynamic_client_registration.enabled");
}

function requireInitialAccessToken({ config }: RegistrationDeps, authorization: string): void {
  const { initial_access_tokens: entries } = config.oidc.dynamic_client_registration;
  if (entries.length === 0) return;
  const digest = hashSecret(requireBearer(authorization));
  // Every entry is compared, so that the time says nothing of which one it was.
  const found = entries.filter(({ token, sha256 }) => equalBytes(token === undefined ? Buffer.from(sha256 ?? "", "hex") : hashSecret(token), digest));
  if (found.length === 0) throw wrongToken();
}

/** RFC 7591 §3.2.2: no issuer of statements is trusted here, and claims that nobody vouches for must not look as if somebody did. */
function refuseSoftwareStatement(statement: string): void {
  if (statement !== "") throw new OAuthError("unapproved_software_statement", "'software_statement' is from nobody that this server trusts");
}

async function requireManaged(deps: RegistrationDeps, clientId: string, token: string): Promise<StoredClient> {
  const client = await getClient(deps.db, deps.issuer, clientId);
  if (!isRightToken(client?.record, token) || client === undefined) throw refused(deps, clientId);
  return client;
}

function refused({ log }: RegistrationDeps, clientId: string): OAuthError {
  log.info("client_registration_refused", { client_id: clientId.slice(0, 255) });
  return wrongToken();
}

/** RFC 7592 §2.2: the client may say its secret, and may not choose one. */
async function requireSameSecret(deps: RegistrationDeps, { record }: StoredClient, sent: string): Promise<void> {
  if (sent === "") return;
  if (deps.settings.compatHydra) throw new OAuthError("request_forbidden", "'client_secret' may not be changed");
  const sealed = openSecret(deps, record.secret);
  const isIt = sealed === undefined ? await isRightSecret(deps, record.secret, sent) : equalBytes(Buffer.from(sent), sealed);
  if (!isIt) throw invalid("client_secret", "is not the client's, and may not be changed (RFC 7592 §2.2)");
}

function describe(client: Client): Registered {
  const shown = clone(ClientSchema, client);
  delete shown.metadata; // the operator's
  return { client: shown, clientIdIssuedAt: shown.createdAt === undefined ? 0 : toSeconds(timestampMs(shown.createdAt) as EpochMillis) };
}
