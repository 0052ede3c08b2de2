import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ConsentPayload, ConsentSessionSchema } from "#gen/writ/admin/v1/consent_service_pb.ts";
import type { RevokeConsentSessionsRequest } from "#gen/writ/admin/v1/session_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { fromHex, toHex } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { describeConsent } from "../handshake/consent.ts";
import { readJson } from "../handshake/json.ts";
import { openPayload } from "../handshake/session-payload.ts";
import type { ConsentSession } from "../model/consent.ts";
import { LIMITS } from "../model/limits.ts";
import { getSameClient } from "../store/clients.ts";
import { listConsentSessions as list } from "../store/consent-sessions.ts";
import { revokeConsent, revokeConsentOfGrant } from "../store/consents.ts";
import { bumpGrantEpoch } from "../store/subjects.ts";

/** What looking at and revoking consents needs. */
export type ConsentSessionDeps = Pick<Deps, "db" | "issuer" | "sealer" | "settings" | "random" | "log">;

/** Which consent sessions are wanted. */
export interface ConsentSessionsWanted {
  readonly subject: string;
  /** Only those of this login session; empty: of all. */
  readonly loginSessionId: string;
  /** Id of the last one of the page before; undefined: from the first on. */
  readonly after: Uint8Array | undefined;
  readonly limit: number;
}

/** One page of what a subject agreed to, but for what was answered without a question. `last`: its last one, if there are more. */
export async function listConsentSessions(
  deps: ConsentSessionDeps,
  { subject, loginSessionId, after, limit }: ConsentSessionsWanted,
  now: EpochMillis,
): Promise<{ readonly consentSessions: MessageInitShape<typeof ConsentSessionSchema>[]; readonly last: Uint8Array | undefined }> {
  if (subject === "") throw new OAuthError("invalid_request", "'subject' is missing");
  const wanted: ConsentSession[] = [];
  let from = after;
  // Some that are found are not shown: until the page is full, or there are no more.
  for (;;) {
    const found = await list(deps.db, deps.issuer, { subject, after: from, limit: limit + 1, now });
    wanted.push(...found.filter((session) => isShown(session, loginSessionId)));
    from = found.at(-1)?.id;
    if (wanted.length > limit || found.length <= limit || from === undefined) break;
  }
  const page = wanted.slice(0, limit);
  return { consentSessions: await Promise.all(page.map((session) => describe(deps, session))), last: wanted.length > limit ? page.at(-1)?.id : undefined };
}

/** Revokes consents. @throws OAuthError invalid_request when it is not said which, or in more than one way */
export async function revokeConsentSessions(deps: ConsentSessionDeps, { consentRequestId, subject, client, all }: RevokeConsentSessionsRequest): Promise<void> {
  const { db, issuer } = deps;
  const ways = [
    consentRequestId !== "" && subject === "" && client === "" && !all,
    subject !== "" && client !== "" && consentRequestId === "" && !all,
    subject !== "" && all && consentRequestId === "" && client === "",
  ];
  if (ways.filter(Boolean).length !== 1)
    throw new OAuthError("invalid_request", "Say which consents: 'consent_request_id'; or 'subject' and 'client'; or 'subject' and 'all=true'");
  if (Buffer.byteLength(subject) > LIMITS.subject || Buffer.byteLength(client) > LIMITS.clientId) return; // nobody has such a name
  if (consentRequestId !== "") {
    const id = fromHex(consentRequestId);
    if (id !== undefined) await revokeConsentOfGrant(db, issuer, id, deps.random(16));
  } else if (all) await bumpGrantEpoch(db, issuer, subject);
  else await revokeConsent(db, issuer, subject, client);
  deps.log.info("consent_sessions_revoked", { ...(client === "" ? {} : { client_id: client }), all });
}

/** What both kinds of consent session are told by. */
function partsOf(session: ConsentSession) {
  if (session.kind === "grant") {
    const { grant } = session;
    return { clientId: grant.clientId, clientIncarnation: grant.clientIncarnation, subject: grant.subject, sessionId: grant.sessionId, record: grant.record };
  }
  const { consent } = session;
  const { sessionId } = consent.record;
  return {
    clientId: consent.clientId,
    clientIncarnation: consent.clientIncarnation,
    subject: consent.subject,
    sessionId: sessionId.length === 0 ? undefined : sessionId,
    record: consent.record,
  };
}

function isShown(session: ConsentSession, loginSessionId: string): boolean {
  const { record, sessionId } = partsOf(session);
  if (record.consent === undefined || record.consent.skip) return false;
  return loginSessionId === "" || (sessionId !== undefined && toHex(sessionId) === loginSessionId);
}

async function describe(deps: ConsentSessionDeps, session: ConsentSession): Promise<MessageInitShape<typeof ConsentSessionSchema>> {
  const { clientId, clientIncarnation, record, ...parts } = partsOf(session);
  const { consent } = record;
  if (consent?.outcome.case !== "accepted") throw new Error("a consent session without its consent");
  const { scope, audience, remember, rememberFor, sealedSession, context } = consent.outcome.value;
  const client = await getSameClient(deps.db, deps.issuer, { clientId, clientIncarnation });
  const left = readJson(context) ?? readJson(record.login?.context ?? "");
  return {
    consentRequestId: toHex(session.id),
    consentRequest: describeConsent(deps, { id: session.id, clientId, record, ...parts }, client),
    grantScope: scope,
    grantAccessTokenAudience: audience,
    session: toPayload(deps, sealedSession),
    remember,
    rememberFor,
    handledAt: timestampFromMs(consent.handledAt),
    ...(left === undefined ? {} : { context: left }),
  };
}

function toPayload({ sealer }: ConsentSessionDeps, sealed: string): MessageInitShape<typeof ConsentSessionSchema>["session"] {
  const { accessToken, idToken } = openPayload(sealer, sealed);
  return { accessToken: accessToken ?? {}, idToken: idToken ?? {} } satisfies Partial<ConsentPayload>;
}
