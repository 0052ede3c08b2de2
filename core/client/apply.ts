import { clone, create, equals, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import type { ApplyClientRequest, ApplyClientResponseSchema } from "#gen/writ/admin/v1/client_service_pb.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { equalBytes, hashSecret } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { StoredClient } from "../model/client.ts";
import { getClient, insertClient, updateClient } from "../store/clients.ts";
import { untilChanged } from "./again.ts";
import { invalid } from "./invalid.ts";
import { normalizeMetadata } from "./metadata.ts";
import { makeKeysFor, type RegisterDeps, recordOf, SECRET_JWT, settleSecret } from "./register.ts";
import { isRightSecret, NO_SECRET, openSecret, type SecretCheck, SHOWS_SECRET } from "./secret.ts";
import { requireSectorDocument } from "./sector.ts";
import { isSlowHash } from "./slow-hash.ts";

/** What applying a client came to. Such a client has no registration access token, not one of before either: it is declared elsewhere, and not its own to change. */
type Applied = MessageInitShape<typeof ApplyClientResponseSchema>;

/**
 * Makes a client be what is sent, or says what that would change. Where nothing differs nothing is written, so that a
 * deployment may do it as often as it likes.
 * @throws OAuthError invalid_client_metadata or invalid_redirect_uri naming the member
 */
export function applyClient(deps: RegisterDeps, request: ApplyClientRequest, now: EpochMillis): Promise<Applied> {
  return untilChanged(() => tryApply(deps, request, now));
}

async function tryApply(deps: RegisterDeps, request: ApplyClientRequest, now: EpochMillis): Promise<Applied | "again"> {
  const { clientId, client: sent = create(ClientSchema), dryRun } = request;
  if (sent.clientId !== "" && sent.clientId !== clientId) throw invalid("client_id", "is another than that of the path");
  const before = await getClient(deps.db, deps.issuer, clientId);
  const named = clone(ClientSchema, sent);
  named.clientId = clientId;
  const { createdAt } = before?.record.client ?? {};
  const client = normalizeMetadata(deps.settings.clients, named, createdAt === undefined ? now : (timestampMs(createdAt) as EpochMillis), now);
  await requireSectorDocument(deps, client, before?.record.client);
  const secret = await settleChange(deps, client, request, before);
  const applied = { ...(before === undefined ? {} : { before: before.record.client }), after: client, changesSecret: secret.changes };
  if (dryRun) return applied;
  const isOthersToChange = before?.record.registrationTokenSha256.length === 0;
  if (before !== undefined && isOthersToChange && secret.kept === before.record.secret && isSame(before.record.client, client)) return { ...applied, after: before.record.client };
  await makeKeysFor(deps, client, now);
  const kind = await store(deps, client, secret.kept, before, now);
  if (kind === "again") return "again";
  deps.log.info(before === undefined ? "client_created" : "client_updated", { client_id: clientId });
  return { ...applied, after: { ...client, clientSecret: secret.made } };
}

async function store({ db, issuer, random }: RegisterDeps, client: Client, secret: SecretCheck, before: StoredClient | undefined, now: EpochMillis): Promise<"stored" | "again"> {
  if (before === undefined) {
    const inserted = await insertClient(db, issuer, { record: create(ClientRecordSchema, { client, secret }), incarnation: random(8), now });
    return inserted.kind === "inserted" ? "stored" : "again";
  }
  const record = recordOf(before.record, client, secret);
  record.registrationTokenSha256 = new Uint8Array();
  const updated = await updateClient(db, issuer, client.clientId, { record, rowVersion: before.rowVersion, now });
  return updated.kind === "updated" ? "stored" : "again";
}

/** Whether two clients differ in nothing but the time of the last change. */
function isSame(before: Client, after: Client): boolean {
  const [a, b] = [clone(ClientSchema, before), clone(ClientSchema, after)];
  for (const each of [a, b]) {
    delete each.updatedAt;
    delete each.$unknown;
  }
  return equals(ClientSchema, a, b);
}

interface SettledSecret {
  readonly kept: SecretCheck;
  /** Whoever knew the secret before knows it no more. */
  readonly changes: boolean;
  /** Empty: none was made. */
  readonly made: string;
}

/** A dry run comes to the same: what is wrong has to be found by it. */
async function settleChange(deps: RegisterDeps, client: Client, request: ApplyClientRequest, stored: StoredClient | undefined): Promise<SettledSecret> {
  const { client: sent, clientSecretHash: phc, makeSecret: makes, dryRun } = request;
  const before = stored?.record.secret ?? NO_SECRET;
  const method = client.tokenEndpointAuthMethod;
  const secret = sent?.clientSecret ?? "";
  const keeps = { kept: before, changes: false, made: "" };
  if (method === "none") return before.case === undefined ? keeps : { kept: NO_SECRET, changes: true, made: "" };
  if (phc !== "") {
    if (secret !== "") throw invalid("client_secret_hash", "may not be given together with client_secret");
    if (!SHOWS_SECRET.has(method)) throw invalid("client_secret_hash", "is for client_secret_basic and client_secret_post");
    if (!isSlowHash(phc))
      throw invalid("client_secret_hash", "is no hash that can be verified here in reasonable time: PBKDF2 as Hydra writes it, bcrypt up to cost 14, or argon2id");
    return before.case === "secretPhc" && before.value === phc ? keeps : { kept: { case: "secretPhc", value: phc }, changes: true, made: "" };
  }
  if (secret !== "") {
    const isKnown = await isKept(deps, before, secret);
    // Only whoever signs with it needs it kept as it is.
    if (isKnown && (before.case === "secretSealed") === (method === SECRET_JWT)) return keeps;
    return { kept: (await settleSecret(deps, client, secret, before)).kept, changes: !isKnown, made: "" };
  }
  if (before.case !== undefined) return { kept: (await settleSecret(deps, client, "", before)).kept, changes: false, made: "" };
  if (!SHOWS_SECRET.has(method) && method !== SECRET_JWT) return keeps;
  if (!makes) throw invalid("client_secret", "is missing: the client needs one and has none yet");
  const { kept, shown } = await settleSecret(deps, client, "", undefined);
  return { kept, changes: true, made: dryRun ? "" : shown };
}

async function isKept(deps: RegisterDeps, kept: SecretCheck, secret: string): Promise<boolean> {
  const sealed = openSecret(deps, kept);
  return sealed === undefined ? isRightSecret(deps, kept, secret) : equalBytes(hashSecret(Buffer.from(sealed).toString()), hashSecret(secret));
}
