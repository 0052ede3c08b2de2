import type { JsonObject } from "@bufbuild/protobuf";
import { OAuthError } from "#lib/errors.ts";
import { toHex } from "#lib/id.ts";
import { obfuscatedSubject } from "../client/pairwise.ts";
import type { Deps } from "../deps.ts";
import { LOGOUT_TOKEN_TYP } from "../logout/logout-token.ts";
import type { StoredClient } from "../model/client.ts";
import { verifyJwt } from "../token/verify-jwt.ts";

/**
 * The claims of an `id_token_hint`: an ID token of ours, expired or not.
 * @throws OAuthError invalid_request
 * @see OIDC Core §3.1.2.1
 */
export async function readIdTokenHint(deps: Pick<Deps, "keys" | "settings">, hint: string): Promise<JsonObject> {
  const verified = await verifyJwt(deps.keys, "hydra.openid.id-token", hint);
  // A logout token is signed by the same keys, and is none (RFC 8725 §3.11).
  if (
    verified === undefined ||
    verified.typ.toLowerCase() === LOGOUT_TOKEN_TYP ||
    "events" in verified.claims ||
    typeof verified.claims.exp !== "number" || // nor is signed userinfo, which has none (OIDC Core §5.3.2)
    verified.claims.iss !== deps.settings.issuerUrl ||
    typeof verified.claims.sub !== "string"
  )
    throw new OAuthError("invalid_request", "'id_token_hint' is no ID token of this server");
  return verified.claims;
}

/** Who is, or has just been, logged in. */
export interface HintedPerson {
  readonly subject: string;
  /** The login session, where one stands for the login. */
  readonly sessionId: Uint8Array | undefined;
  /** What the login app wants the client to know the subject by. Empty: nothing. */
  readonly forcedSubjectIdentifier: string;
}

/**
 * Whether the claims of a hint name somebody: by subject, by what a pairwise client knows the subject as, or by the session that
 * the ID token came from, which only then tells of an identifier that the login app had chosen.
 * @see OIDC Core §3.1.2.1, §8
 */
export function isHinted(settings: Deps["settings"], { record: { client } }: StoredClient, { sub, sid, aud }: JsonObject, person: HintedPerson): boolean {
  if (sub === person.subject) return true;
  if (client.subjectType !== "pairwise") return false;
  if (sub === obfuscatedSubject(settings, client, person.subject, person.forcedSubjectIdentifier)) return true;
  const isOwn = aud === client.clientId || (Array.isArray(aud) && aud.includes(client.clientId));
  return isOwn && person.sessionId !== undefined && sid === toHex(person.sessionId);
}
