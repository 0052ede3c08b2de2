import { OAuthError } from "#lib/errors.ts";

/** `invalid_client_metadata` about one member. @see RFC 7591 §3.2.2 */
export function invalid(member: string, why: string): OAuthError {
  return new OAuthError("invalid_client_metadata", `'${member}' ${why}`);
}
