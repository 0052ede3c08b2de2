import { createPrivateKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { exportJWK, generateKeyPair } from "jose";

/** A key pair of a client or an identity provider. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicJwk: JsonWebKey & Record<string, unknown>;
}

/** Makes a key that signs by `alg`. */
export async function makeTestKey(alg: string): Promise<TestKey> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return { privateKey: createPrivateKey({ key: (await exportJWK(pair.privateKey)) as JsonWebKey, format: "jwk" }), publicJwk: { ...(await exportJWK(pair.publicKey)) } };
}
