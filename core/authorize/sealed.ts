import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import {
  type ConsentChallenge,
  ConsentChallengeSchema,
  type ConsentVerifier,
  ConsentVerifierSchema,
  type LoginChallenge,
  LoginChallengeSchema,
  type LoginOutcome,
  LoginOutcomeSchema,
  LoginVerifierSchema,
} from "#gen/writ/store/v1/challenge_pb.ts";
import { DecisionRecordSchema } from "#gen/writ/store/v1/decision_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { timeOf } from "#lib/id.ts";
import { openSealed, type SealKind } from "#lib/seal.ts";
import { addMillis, type EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { findDecision, putDecision } from "../store/decisions.ts";

/** What sealing and opening needs. */
export type SealedDeps = Pick<Deps, "sealer" | "config" | "db" | "issuer" | "random">;

/** Longest challenge in characters. */
const MAX_CHALLENGE = 4096;
/** Longest login verifier that travels in a URL. What is longer is kept in a row. */
const MAX_VERIFIER = 3072;

/** When a flow is over, whatever has come of it. */
export function flowExpiry({ config }: Pick<Deps, "config">, id: Uint8Array): EpochMillis {
  return addMillis(timeOf(id), config.ttl.login_consent_request);
}

/** Seals a login challenge. @throws OAuthError invalid_request when the request is too large to travel */
export function sealLoginChallenge(deps: SealedDeps, challenge: MessageInitShape<typeof LoginChallengeSchema>): string {
  return sealChallenge(deps, "login_challenge", LoginChallengeSchema, challenge);
}

/** Opens a login challenge. Undefined: it is none. */
export function openLoginChallenge(deps: SealedDeps, sealed: string): LoginChallenge | undefined {
  return openMessage(deps, "login_challenge", LoginChallengeSchema, sealed);
}

/** Seals an answer of the login app as a verifier; a large one is put in a row that lives as long as its flow. */
export async function sealLoginVerifier(deps: SealedDeps, outcome: LoginOutcome): Promise<string> {
  const sealed = sealMessage(deps, "login_verifier", LoginVerifierSchema, { place: { case: "outcome", value: outcome } });
  if (sealed.length <= MAX_VERIFIER) return sealed;
  const id = deps.random(16);
  const record = create(DecisionRecordSchema, { sealedVerifier: sealMessage(deps, "stored_outcome", LoginOutcomeSchema, outcome) });
  await putDecision(deps.db, deps.issuer, { id, expiresAt: flowExpiry(deps, outcome.challenge?.id ?? id), record });
  return sealMessage(deps, "login_verifier", LoginVerifierSchema, { place: { case: "decisionRow", value: id } });
}

/** Opens a login verifier. Undefined: it is none, or what it named has expired. */
export async function openLoginVerifier(deps: SealedDeps, sealed: string, now: EpochMillis): Promise<LoginOutcome | undefined> {
  const verifier = openMessage(deps, "login_verifier", LoginVerifierSchema, sealed);
  if (verifier?.place.case !== "decisionRow") return verifier?.place.value;
  const decision = await findDecision(deps.db, deps.issuer, verifier.place.value, now);
  return decision === undefined ? undefined : openMessage(deps, "stored_outcome", LoginOutcomeSchema, decision.record.sealedVerifier);
}

/** Seals a consent challenge. */
export function sealConsentChallenge(deps: SealedDeps, challenge: MessageInitShape<typeof ConsentChallengeSchema>): string {
  return sealMessage(deps, "consent_challenge", ConsentChallengeSchema, challenge);
}

/** Opens a consent challenge. Undefined: it is none. */
export function openConsentChallenge(deps: SealedDeps, sealed: string): ConsentChallenge | undefined {
  return openMessage(deps, "consent_challenge", ConsentChallengeSchema, sealed);
}

/** Seals a consent verifier. */
export function sealConsentVerifier(deps: SealedDeps, verifier: MessageInitShape<typeof ConsentVerifierSchema>): string {
  return sealMessage(deps, "consent_verifier", ConsentVerifierSchema, verifier);
}

/** Opens a consent verifier. Undefined: it is none. */
export function openConsentVerifier(deps: SealedDeps, sealed: string): ConsentVerifier | undefined {
  return openMessage(deps, "consent_verifier", ConsentVerifierSchema, sealed);
}

/** Seals what travels in a URL as a challenge. @throws OAuthError invalid_request when it is too large for that */
export function sealChallenge<D extends DescMessage>(deps: Pick<Deps, "sealer">, kind: SealKind, schema: D, challenge: MessageInitShape<D>): string {
  const sealed = sealMessage(deps, kind, schema, challenge);
  if (sealed.length > MAX_CHALLENGE) throw new OAuthError("invalid_request", "The parameters of the request are too large, all together");
  return sealed;
}

/** Seals a message. */
export function sealMessage<D extends DescMessage>({ sealer }: Pick<Deps, "sealer">, kind: SealKind, schema: D, message: MessageInitShape<D>): string {
  return sealer.seal(kind, toBinary(schema, create(schema, message)));
}

/** Opens a message. Undefined: it is none of its kind. */
export function openMessage<D extends DescMessage>({ sealer }: Pick<Deps, "sealer">, kind: SealKind, schema: D, sealed: string): MessageShape<D> | undefined {
  const payload = openSealed(sealer, kind, sealed, "This");
  return payload === undefined ? undefined : fromBinary(schema, payload);
}
