import { KEY_ALGORITHMS } from "../keys/algorithms.ts";
import type { SigningKey } from "../keys/signing-keys.ts";

/** Claims of a JWT (RFC 7519 §4). Members that are undefined are left out. */
export type Claims = Readonly<Record<string, unknown>>;

/** What the server itself says in access tokens (RFC 9068 §2.2, RFC 9449 §6, RFC 8693 §4; `scp` and `ext` as Hydra): no session may say these. */
export const ACCESS_TOKEN_CLAIMS: ReadonlySet<string> = new Set(
  "iss sub aud exp nbf iat jti client_id scope scp ext cnf act may_act authorization_details auth_time acr amr __proto__".split(" "),
);

/**
 * Signs a JWT in JWS compact form. By node:crypto, synchronously: a signature is what an answer with a JWT costs, and the
 * detour through WebCrypto and the thread pool costs half as much again and gives one core no throughput.
 * @see RFC 7515 §3.1
 */
export function signJwt(key: SigningKey, typ: string, claims: Claims): string {
  const input = `${encode({ alg: key.alg, kid: key.kid, typ })}.${encode(claims)}`;
  return `${input}.${KEY_ALGORITHMS[key.alg].sign(Buffer.from(input), key.privateKey).toString("base64url")}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
