import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { JsonWebKey } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { type CreateTrustedIssuerRequest, type TrustedIssuer, TrustedIssuerSchema } from "#gen/writ/admin/v1/trusted_issuer_service_pb.ts";
import { TrustedIssuerRecordSchema } from "#gen/writ/store/v1/trusted_issuer_record_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { makeUuid, readUuid, writeUuid } from "#lib/id.ts";
import { parseScope } from "#lib/scope.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { importKey } from "../keys/import-key.ts";
import { fromJwk, hasPrivatePart, publicPart, toJwk } from "../keys/jwk.ts";
import { LIMITS } from "../model/limits.ts";
import { deleteTrustedIssuer, getTrustedIssuer, insertTrustedIssuer, listTrustedIssuers } from "../store/trusted-issuers.ts";

/** What looking after trusted issuers needs. */
export type TrustDeps = Pick<Deps, "db" | "issuer" | "random" | "log">;

const MAX_ISSUER = 2048;
/** The last millisecond of the year 9999. */
const LATEST = 253_402_300_799_999;
const MAX_SCOPES = 200;
const MAX_SCOPE = 2048;

/**
 * Trusts an issuer to sign assertions. Undefined: it is trusted already for this subject and key.
 * @throws OAuthError missing_required_parameter, as Hydra names it; invalid_request for a key that cannot be taken
 */
export async function trustIssuer(deps: TrustDeps, sent: CreateTrustedIssuerRequest, now: EpochMillis): Promise<TrustedIssuer | undefined> {
  const { issuer, subject, allowAnySubject, scope } = sent;
  if (issuer === "") throw missing("'issuer' is missing");
  if (Buffer.byteLength(issuer) > MAX_ISSUER) throw refuse(`'issuer' has more than ${MAX_ISSUER} bytes`);
  if ((subject === "") !== allowAnySubject) throw missing("either 'subject' or 'allow_any_subject' must be given, and not both");
  if (Buffer.byteLength(subject) > LIMITS.subject) throw refuse(`'subject' has more than ${LIMITS.subject} bytes`);
  const expiresAt = requireExpiry(sent.expiresAt);
  const key = requireKey(sent.jwk);
  if (scope.length > MAX_SCOPES || scope.some((each) => each === "" || each.length > MAX_SCOPE || each.includes(" ") || parseScope(each) === undefined))
    throw refuse(`'scope' holds something that is no scope (RFC 6749 §3.3), or more than ${MAX_SCOPES}`);
  const uuid = makeUuid(deps.random);
  const id = readUuid(uuid);
  if (id === undefined) throw new Error("a UUID was made that is none");
  const trusted = create(TrustedIssuerSchema, {
    id: uuid,
    issuer,
    subject,
    allowAnySubject,
    scope,
    publicKey: { set: issuer, kid: key.kid },
    createdAt: timestampFromMs(toSeconds(now) * 1000),
    expiresAt: timestampFromMs(expiresAt),
  });
  const { kind } = await insertTrustedIssuer(deps.db, deps.issuer, { id, expiresAt, record: create(TrustedIssuerRecordSchema, { trustedIssuer: trusted, key }) });
  if (kind === "exists") return undefined;
  deps.log.info("trusted_issuer_created", { issuer, kid: key.kid });
  return trusted;
}

/** Undefined: there is none of this id. @throws OAuthError invalid_request when it is no UUID */
export async function getTrusted({ db, issuer }: TrustDeps, id: string): Promise<TrustedIssuer | undefined> {
  return (await getTrustedIssuer(db, issuer, requireUuid(id)))?.trustedIssuer;
}

/** By ascending id; those after `after`, which is empty or an id. `iss` empty: of all issuers. */
export async function listTrusted(
  { db, issuer }: TrustDeps,
  { after, limit, iss }: { readonly after: string; readonly limit: number; readonly iss: string },
): Promise<TrustedIssuer[]> {
  const from = after === "" ? new Uint8Array() : requireUuid(after);
  const found = await listTrustedIssuers(db, issuer, { after: from, limit, ...(iss === "" ? {} : { iss }) });
  return found.flatMap(({ trustedIssuer }) => trustedIssuer ?? []);
}

/** False: there is none of this id. @throws OAuthError invalid_request when it is no UUID */
export async function distrust({ db, issuer, log }: TrustDeps, id: string): Promise<boolean> {
  const bytes = requireUuid(id);
  if ((await deleteTrustedIssuer(db, issuer, bytes)).kind === "missing") return false;
  log.info("trusted_issuer_deleted", { id: writeUuid(bytes) });
  return true;
}

function requireExpiry(expiresAt: Timestamp | undefined): EpochMillis {
  const instant = expiresAt === undefined ? 0 : timestampMs(expiresAt);
  if (instant <= 0) throw missing("'expires_at' is missing");
  if (instant > LATEST) throw refuse("'expires_at' lies after the year 9999"); // RFC 3339 §5.6 has no form for it
  return instant as EpochMillis;
}

/** The public key of an issuer, as it is kept. Nobody but the issuer has any business with its private part. */
function requireKey(jwk: JsonWebKey | undefined): JsonWebKey {
  if (jwk === undefined || jwk.kid === "") throw missing("'jwk' is missing, or has no 'kid'");
  if (Buffer.byteLength(jwk.kid) > LIMITS.kid || /[^\x20-\x7e]/.test(jwk.kid)) throw refuse(`'kid' of 'jwk' must have 1 to ${LIMITS.kid} printable ASCII characters`);
  if (jwk.kty === "oct" || hasPrivatePart(jwk)) throw refuse("'jwk' is no public key: register public keys only");
  if (jwk.use !== "" && jwk.use !== "sig") throw refuse("'use' of 'jwk' must be sig");
  importKey(jwk);
  return publicPart(fromJwk(toJwk(jwk), { kid: jwk.kid, alg: jwk.alg, use: jwk.use }));
}

function requireUuid(id: string): Uint8Array {
  const bytes = readUuid(id);
  if (bytes === undefined) throw refuse("'id' is no UUID");
  return bytes;
}

function missing(why: string): OAuthError {
  return new OAuthError("missing_required_parameter", why);
}

function refuse(why: string): OAuthError {
  return new OAuthError("invalid_request", why);
}
