import { OAuthError } from "#lib/errors.ts";

/** RFC 9110 §15.5.2: a 401 carries a challenge; RFC 6749 §5.2: of the scheme that was tried, and Basic is the one there is. */
const CHALLENGE = 'Basic realm="oauth2", charset="UTF-8"';

/** What anybody hears whose credentials were readable and wrong: one text, so that it tells no client from none. */
export const NOT_AUTHENTICATED = "unknown client, wrong credentials, or a method that the client is not registered for";

/** `invalid_client`. The text begins as Hydra's, which clients look for. @see RFC 6749 §5.2 */
export function authenticationFailed(why: string): OAuthError {
  return new OAuthError("invalid_client", `Client authentication failed: ${why}`, { wwwAuthenticate: CHALLENGE });
}
