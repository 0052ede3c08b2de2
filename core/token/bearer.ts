/** The token of an `Authorization` header. Undefined: it holds none. @see RFC 6750 §2.1, RFC 9110 §11.1 */
export function bearerOf(authorization: string): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(authorization)?.[1];
}
