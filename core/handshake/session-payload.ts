import { create, fromBinary, type JsonObject, toBinary } from "@bufbuild/protobuf";
import type { ConsentPayload } from "#gen/writ/admin/v1/consent_service_pb.ts";
import { SessionPayloadSchema } from "#gen/writ/store/v1/challenge_pb.ts";
import { openSealed, type Sealer } from "#lib/seal.ts";
import { readJsonObject, writeJsonObject } from "./json.ts";

/** Claims that the consent app attached to what is issued. Undefined: none. */
export interface SessionClaims {
  readonly accessToken: JsonObject | undefined;
  readonly idToken: JsonObject | undefined;
}

/** Both parts as they are digested and sealed. @throws OAuthError invalid_request naming the member that is too large */
export function writePayload(payload: ConsentPayload | undefined): { readonly accessToken: string; readonly idToken: string } {
  return { accessToken: writeJsonObject("session.access_token", payload?.accessToken), idToken: writeJsonObject("session.id_token", payload?.idToken) };
}

/** Seals claims for a row; empty: there are none. */
export function sealPayload(sealer: Sealer, payload: { readonly accessToken: string; readonly idToken: string }): string {
  if (payload.accessToken === "" && payload.idToken === "") return "";
  return sealer.seal("stored_session", toBinary(SessionPayloadSchema, create(SessionPayloadSchema, payload)));
}

/** Opens what `sealPayload` made. @throws OAuthError temporarily_unavailable when it names a secret that is not configured here */
export function openPayload(sealer: Sealer, sealed: string): SessionClaims {
  if (sealed === "") return { accessToken: undefined, idToken: undefined };
  const payload = openSealed(sealer, "stored_session", sealed, "The session");
  if (payload === undefined) throw new Error("a session that was not sealed here");
  const { accessToken, idToken } = fromBinary(SessionPayloadSchema, payload);
  return { accessToken: readJsonObject(accessToken), idToken: readJsonObject(idToken) };
}
