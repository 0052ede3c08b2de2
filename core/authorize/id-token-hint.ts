import type { JsonObject } from "@bufbuild/protobuf";
import { OAuthError } from "#lib/errors.ts";
import type { Deps } from "../deps.ts";
import { LOGOUT_TOKEN_TYP } from "../logout/logout-token.ts";
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
    verified.claims.iss !== deps.settings.issuerUrl ||
    typeof verified.claims.sub !== "string"
  )
    throw new OAuthError("invalid_request", "'id_token_hint' is no ID token of this server");
  return verified.claims;
}
