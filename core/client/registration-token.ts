import type { ClientRecord } from "#gen/writ/store/v1/client_record_pb.ts";
import type { OAuthError } from "#lib/errors.ts";
import { equalBytes, type Hashed, hashSecret } from "#lib/hash.ts";
import type { Deps } from "../deps.ts";
import { bearerMissing, bearerOf, bearerRefused } from "../token/bearer.ts";

/** A registration access token: what its client gets, and what is kept of it. */
export interface RegistrationToken {
  readonly shown: string;
  readonly kept: Hashed<"registration_token">;
}

/** Stands in for the hash of a client that is not there, or has no token: nothing hashes to it. */
const NONE = new Uint8Array(32);

/** Makes a token of 256 random bits. Shape: `PREFIX_ra_` + base64url. It names nothing: it is looked at beside its client only. */
export function makeRegistrationToken({ random, settings }: Pick<Deps, "random" | "settings">): RegistrationToken {
  const shown = `${settings.tokenPrefix}_ra_${Buffer.from(random(32)).toString("base64url")}`;
  return { shown, kept: hashSecret(shown) };
}

/** Whether a token manages a client. One that is not there, has none or has another: the same work, and the same answer. */
export function isRightToken(record: ClientRecord | undefined, token: string): boolean {
  const kept = record?.registrationTokenSha256;
  const hasToken = kept?.length === NONE.length;
  return equalBytes(hashSecret(token), hasToken ? kept : NONE) && hasToken;
}

/**
 * The token of an `Authorization` header.
 * @throws OAuthError invalid_token with a challenge
 * @see RFC 6750 §2.1, §3
 */
export function requireBearer(authorization: string): string {
  const token = bearerOf(authorization);
  if (token !== undefined) return token;
  throw authorization === "" ? bearerMissing() : wrongToken();
}

/** RFC 7592 §2.1, RFC 6750 §3.1: the same whether the client is not there, has no token, or another. */
export function wrongToken(): OAuthError {
  return bearerRefused("invalid_token", "The access token is not good for this");
}
