import type { GrantRecord } from "#gen/writ/store/v1/grant_pb.ts";
import type { Sealer } from "#lib/seal.ts";
import { openPayload, type SessionClaims } from "../handshake/session-payload.ts";

/** Opened once for each document: introspection asks for them every time. */
const opened = new WeakMap<GrantRecord, SessionClaims>();

/**
 * The claims that the consent app attached to what a grant issues, or what a token hook put in their place.
 * @throws OAuthError temporarily_unavailable when they were sealed with a secret that is not configured here
 */
export function sessionClaims(sealer: Sealer, record: GrantRecord): SessionClaims {
  const known = opened.get(record);
  if (known !== undefined) return known;
  const { outcome } = record.consent ?? {};
  const claims = openPayload(sealer, record.session?.sealedSession ?? (outcome?.case === "accepted" ? outcome.value.sealedSession : ""));
  opened.set(record, claims);
  return claims;
}
