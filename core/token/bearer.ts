import { OAuthError, type OAuthErrorCode } from "#lib/errors.ts";

/** The token of an `Authorization` header. Undefined: it holds none. @see RFC 6750 §2.1, RFC 9110 §11.1 */
export function bearerOf(authorization: string): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
}

/** Who brings nothing, or credentials of another scheme, is told of no error in the challenge, which has an attribute at least. @see RFC 6750 §3, §3.1 */
export function bearerMissing(code: OAuthErrorCode = "invalid_token"): OAuthError {
  return new OAuthError(code, "There is no access token", { wwwAuthenticate: 'Bearer realm="oauth2"' });
}

/** A refusal with its challenge. `scope`: what the token would need. @see RFC 6750 §3 */
export function bearerRefused(code: OAuthErrorCode, description: string, scope = ""): OAuthError {
  return new OAuthError(code, description, { wwwAuthenticate: `Bearer error="${code}",error_description="${description}"${scope === "" ? "" : `,scope="${scope}"`}` });
}
