import { makeUuid, toHex } from "#lib/id.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { SigningKey } from "../keys/signing-keys.ts";
import { signJwt } from "../token/jwt.ts";

/** `typ` of a logout token: it never passes for an ID token (OIDC Back-Channel Logout §2.4, RFC 8725 §3.11). */
export const LOGOUT_TOKEN_TYP = "logout+jwt";

const EVENT = "http://schemas.openid.net/event/backchannel-logout";
/** Seconds. */
const LIFETIME = 120;

/** Whom a logout token tells what. */
export interface LogoutTokenContent {
  readonly clientId: string;
  /** Undefined: the client knows the subject under another name; its `sid` says enough. */
  readonly subject: string | undefined;
  /** 16 bytes. */
  readonly sid: Uint8Array;
}

/** Signs a logout token. Each has a `jti` of its own, also when the same is told again. @see OIDC Back-Channel Logout §2.4 */
export function signLogoutToken(
  { settings, random }: Pick<Deps, "settings" | "random">,
  key: SigningKey,
  { clientId, subject, sid }: LogoutTokenContent,
  now: EpochMillis,
): string {
  const issuedAt = toSeconds(now);
  return signJwt(key, LOGOUT_TOKEN_TYP, {
    iss: settings.issuerUrl,
    sub: subject,
    aud: [clientId],
    iat: issuedAt,
    exp: issuedAt + LIFETIME,
    jti: makeUuid(random),
    sid: toHex(sid),
    events: { [EVENT]: {} },
  });
}
