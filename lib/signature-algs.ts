/**
 * Algorithms of signatures with a key pair that Writ makes and checks. `none` and those with a shared secret are not among them.
 * @see RFC 7518 §3.1, RFC 8037
 */
export const SIGNATURE_ALGS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;

/** One of them. */
export type SignatureAlg = (typeof SIGNATURE_ALGS)[number];

/** Whether a text names one. */
export function isSignatureAlg(text: string): text is SignatureAlg {
  return (SIGNATURE_ALGS as readonly string[]).includes(text);
}

/** Algorithms with a shared secret, by the bytes that it must have at least (RFC 7518 §3.2). */
export const SECRET_ALGS = { HS256: 32, HS384: 48, HS512: 64 } as const;

/** One of them. */
export type SecretAlg = keyof typeof SECRET_ALGS;

/** Whether a text names one. */
export function isSecretAlg(text: string): text is SecretAlg {
  return Object.hasOwn(SECRET_ALGS, text);
}
