import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";

const generate = promisify(generateKeyPair);
/** Hydra makes 4096 bits, which sign six times slower; NIST SP 800-57 deems 2048 good until 2030 (docs/divergences.md). */
const RSA_BITS = 2048;

const rsa = async (): Promise<KeyObject> => (await generate("rsa", { modulusLength: RSA_BITS })).privateKey;
const ec = (namedCurve: string) => async (): Promise<KeyObject> => (await generate("ec", { namedCurve })).privateKey;

/** Every algorithm that keys are made for, and how. @see RFC 7518 §3.1, RFC 8037 */
export const KEY_ALGORITHMS: Readonly<Record<string, () => Promise<KeyObject>>> = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: ec("P-256"),
  ES384: ec("P-384"),
  ES512: ec("P-521"),
  EdDSA: async () => (await generate("ed25519")).privateKey,
};
