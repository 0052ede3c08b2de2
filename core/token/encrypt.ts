import { CompactEncrypt } from "jose";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import { bringsJwks } from "../client/client-jwks.ts";
import { type EncryptionKey, findEncryptionKey, isKeyManagementAlg } from "../client/encryption-keys.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";

/** What is needed to encrypt to a client. */
export type EncryptDeps = Pick<Deps, "remoteKeys">;

/** How something is encrypted to a client, with the key at hand. */
export interface Encryption extends EncryptionKey {
  readonly alg: string;
  readonly enc: string;
}

/** What can be encrypted. */
export type EncryptedPurpose = "id_token" | "userinfo";

/**
 * How a client wants something encrypted. Undefined: not at all, and nothing had to be looked up.
 * @throws OAuthError invalid_request when none of its keys will do: it may not be sent in the clear
 * @see OIDC Registration §2, OIDC Core §10.2
 */
export async function encryptionFor(
  { remoteKeys }: EncryptDeps,
  { record: { client } }: StoredClient,
  purpose: EncryptedPurpose,
  now: EpochMillis,
): Promise<Encryption | undefined> {
  const { encryption, jwks, jwksUri } = client;
  if (encryption === undefined) return undefined;
  const [alg, enc] =
    purpose === "id_token"
      ? [encryption.idTokenEncryptedResponseAlg, encryption.idTokenEncryptedResponseEnc]
      : [encryption.userinfoEncryptedResponseAlg, encryption.userinfoEncryptedResponseEnc];
  if (alg === "") return undefined;
  const keys = bringsJwks(jwks) ? jwks?.keys : jwksUri === "" ? undefined : [...(await remoteKeys.getJwks(jwksUri, now))];
  const key = isKeyManagementAlg(alg) ? findEncryptionKey(keys, alg) : undefined;
  if (key === undefined) throw new OAuthError("invalid_request", `The client has no key, in 'jwks' or at 'jwks_uri', to encrypt to by ${alg}`);
  return { ...key, alg, enc };
}

/**
 * Encrypts in JWE compact form. `nested`: the text is a JWT, signed before (RFC 7519 §5.2); else claims in JSON.
 * @see RFC 7516 §3.1, §7.1
 */
export function encrypt({ key, kid, alg, enc }: Encryption, text: string, { nested }: { readonly nested: boolean }): Promise<string> {
  const header = { alg, enc, typ: "JWT", ...(nested ? { cty: "JWT" } : {}), ...(kid === undefined ? {} : { kid }) };
  return new CompactEncrypt(Buffer.from(text)).setProtectedHeader(header).encrypt(key);
}
