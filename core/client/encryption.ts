import { clone, type JsonObject } from "@bufbuild/protobuf";
import { type ClientEncryption, ClientEncryptionSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { bringsJwks } from "./client-jwks.ts";
import { findEncryptionKey, isKeyManagementAlg, KEY_MANAGEMENT_ALGS } from "./encryption-keys.ts";
import { invalid } from "./invalid.ts";

/**
 * Content encryption algorithms (RFC 7518 §5.1).
 * @see OIDC Registration §2
 */
export const CONTENT_ENCRYPTION_ALGS: readonly string[] = ["A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM"];
/** OIDC Registration §2: what stands where only `alg` was registered. */
const DEFAULT_ENC = "A128CBC-HS256";

/** What can be encrypted to a client. */
const PURPOSES = [
  { name: "id_token_encrypted_response", alg: "idTokenEncryptedResponseAlg", enc: "idTokenEncryptedResponseEnc" },
  { name: "userinfo_encrypted_response", alg: "userinfoEncryptedResponseAlg", enc: "userinfoEncryptedResponseEnc" },
] as const;

/** Where a client's keys are. */
export interface ClientKeyPlaces {
  readonly jwks: JsonObject | undefined;
  readonly jwksUri: string;
}

/**
 * Refuses encryption that could not be done when it is time to.
 * @throws OAuthError invalid_client_metadata naming the member
 * @see OIDC Registration §2
 */
export function requireEncryption(encryption: ClientEncryption, { jwks, jwksUri }: ClientKeyPlaces): void {
  for (const { name, alg: algOf, enc: encOf } of PURPOSES) {
    const [alg, enc] = [encryption[algOf], encryption[encOf]];
    if (alg === "" && enc !== "") throw invalid(`${name}_enc`, `needs ${name}_alg`);
    if (alg === "") continue;
    if (!isKeyManagementAlg(alg)) throw invalid(`${name}_alg`, `must be one of ${KEY_MANAGEMENT_ALGS.join(", ")}`);
    if (enc !== "" && !CONTENT_ENCRYPTION_ALGS.includes(enc)) throw invalid(`${name}_enc`, `must be one of ${CONTENT_ENCRYPTION_ALGS.join(", ")}`);
    if (jwksUri !== "") continue; // what stands there may change at any time
    if (!bringsJwks(jwks)) throw invalid(`${name}_alg`, "needs jwks or jwks_uri");
    if (findEncryptionKey(jwks?.keys, alg) === undefined) throw invalid(`${name}_alg`, `is ${alg}, and 'jwks' holds no key to encrypt by it`);
  }
}

/** The same with `enc` where only `alg` was sent. Undefined: nothing is encrypted. */
export function withDefaultEnc(sent: ClientEncryption | undefined): ClientEncryption | undefined {
  if (sent === undefined || PURPOSES.every(({ alg }) => sent[alg] === "")) return undefined;
  const encryption = clone(ClientEncryptionSchema, sent);
  for (const { alg, enc } of PURPOSES) if (encryption[alg] !== "") encryption[enc] = encryption[enc] || DEFAULT_ENC;
  return encryption;
}
