import type { ConsentDecision, GrantRecord } from "#gen/writ/store/v1/grant_pb.ts";
import type { Sealer } from "#lib/seal.ts";
import type { Deps } from "../deps.ts";
import { changeConsentDocuments, changeGrantDocuments } from "../store/sealed-documents.ts";

/** How often rows that somebody else changed meanwhile are looked at again. */
const MAX_ROUNDS = 5;

/**
 * Seals what consent apps attached to grants and remembered consents with the first secret: they outlive the tokens that the
 * older one sealed. Returns how many rows were changed.
 * @throws Error when a payload names a secret that is not configured
 */
export async function resealSessions({ db, issuer, sealer }: Pick<Deps, "db" | "issuer" | "sealer">): Promise<number> {
  let resealed = 0;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const changes = [
      await changeGrantDocuments(db, issuer, (record) => resealGrant(sealer, record)),
      await changeConsentDocuments(db, issuer, (record) => {
        const consent = resealConsent(sealer, record.consent);
        return consent === undefined ? undefined : { ...record, consent };
      }),
    ];
    for (const { changed } of changes) resealed += changed;
    if (changes.every(({ missed }) => missed === 0)) return resealed;
  }
  throw new Error("some sessions are being changed by others all the time: run it again");
}

/** Undefined: nothing of it was sealed with another secret than the first. */
function resealGrant(sealer: Sealer, record: GrantRecord): GrantRecord | undefined {
  const consent = resealConsent(sealer, record.consent);
  const session = record.session === undefined ? undefined : reseal(sealer, record.session.sealedSession);
  if (consent === undefined && session === undefined) return undefined;
  return {
    ...record,
    ...(consent === undefined ? {} : { consent }),
    ...(session === undefined || record.session === undefined ? {} : { session: { ...record.session, sealedSession: session } }),
  };
}

function resealConsent(sealer: Sealer, consent: ConsentDecision | undefined): ConsentDecision | undefined {
  if (consent?.outcome.case !== "accepted") return undefined;
  const sealedSession = reseal(sealer, consent.outcome.value.sealedSession);
  return sealedSession === undefined ? undefined : { ...consent, outcome: { case: "accepted", value: { ...consent.outcome.value, sealedSession } } };
}

function reseal(sealer: Sealer, sealed: string): string | undefined {
  if (sealed === "" || sealer.isCurrent(sealed)) return undefined;
  const opened = sealer.open("stored_session", sealed);
  if (opened.kind !== "opened")
    throw new Error("the database holds a session that was sealed with a secret which secrets.system does not have: add it to the list, and run this again");
  return sealer.seal("stored_session", opened.payload);
}
