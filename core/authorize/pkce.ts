import { OAuthError } from "#lib/errors.ts";
import { equalBytes, hashSecret } from "#lib/hash.ts";

const NO_CHALLENGE = new Uint8Array();
/** 43 characters of base64url: a SHA-256. The last one has two bits to spare, which are zero. */
const S256_CHALLENGE = /^[\w-]{42}[AEIMQUYcgkosw048]$/;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** What of PKCE is in an authorization request. */
export interface PkceRequest {
  readonly challenge: string;
  readonly method: string;
  /** The request may not go without. */
  readonly isRequired: boolean;
}

/**
 * The 32 bytes of a `code_challenge`; none where the request goes without.
 * @throws OAuthError invalid_request
 * @see RFC 7636 §4.3, §4.4.1
 */
export function readCodeChallenge({ challenge, method, isRequired }: PkceRequest): Uint8Array {
  if (challenge === "") {
    if (method !== "") throw new OAuthError("invalid_request", "'code_challenge_method' is sent without 'code_challenge'");
    if (isRequired) throw new OAuthError("invalid_request", "'code_challenge' is missing: this client must use PKCE with the method S256 (RFC 7636)");
    return NO_CHALLENGE;
  }
  if (method !== "S256") throw new OAuthError("invalid_request", `'code_challenge_method' is ${method === "" || method === "plain" ? "plain" : "unknown"}: only S256 is supported`);
  if (!S256_CHALLENGE.test(challenge)) throw new OAuthError("invalid_request", "'code_challenge' is no SHA-256 in base64url");
  return new Uint8Array(Buffer.from(challenge, "base64url"));
}

/** The text of a challenge, as it was in the request. */
export function writeCodeChallenge(challenge: Uint8Array): string {
  return Buffer.from(challenge).toString("base64url");
}

/**
 * Checks a `code_verifier` against the challenge of the authorization request. One that is sent where there was no
 * challenge is refused: somebody may have taken the challenge out (RFC 9700 §2.1.1).
 * @throws OAuthError invalid_grant
 * @see RFC 7636 §4.6
 */
export function requireCodeVerifier(challenge: Uint8Array, verifier: string): void {
  if (challenge.length === 0 && verifier === "") return;
  if (challenge.length === 0) throw wrong("'code_verifier' is sent, and the authorization request had no 'code_challenge'");
  if (verifier === "") throw wrong("'code_verifier' is missing");
  if (!VERIFIER.test(verifier)) throw wrong("'code_verifier' has not 43 to 128 characters of A-Z a-z 0-9 - . _ ~");
  if (!equalBytes(hashSecret<"code_verifier">(verifier), challenge)) throw wrong("'code_verifier' does not belong to the 'code_challenge'");
}

function wrong(why: string): OAuthError {
  return new OAuthError("invalid_grant", `The provided authorization grant is invalid: ${why}`);
}
