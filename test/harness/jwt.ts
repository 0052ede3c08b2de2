import { decodeJwt } from "jose";

/** The claims of a JWT, whoever signed it. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads members of whatever came and fails where they are not there
export function claimsOf(jwt: string | undefined): any {
  return decodeJwt(jwt ?? "");
}
