import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject, type JsonWebKey as NodeJwk } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type JsonWebKey, JsonWebKeySchema } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";

const MEMBERS = ["use", "kty", "kid", "alg", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "k"] as const;
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "k"] as const;
/** specs: RFC 7518 §3.3. */
const MIN_RSA_BITS = 2048;

/** A key as JOSE libraries take it: members that hold nothing are left out. */
export function toJwk(key: JsonWebKey): NodeJwk {
  const jwk: Record<string, unknown> = {};
  for (const name of MEMBERS) if (key[name] !== "") jwk[name] = key[name];
  if (key.x5c.length > 0) jwk.x5c = key.x5c;
  return jwk as NodeJwk;
}

/** A key as messages carry it. */
export function fromJwk(jwk: NodeJwk, more: { readonly kid: string; readonly alg: string; readonly use: string }): JsonWebKey {
  return create(JsonWebKeySchema, {
    ...(Object.fromEntries(MEMBERS.flatMap((name) => (typeof jwk[name] === "string" ? [[name, jwk[name]]] : []))) as Partial<Record<(typeof MEMBERS)[number], string>>),
    ...more,
  });
}

/** The part that everybody may see. Of a symmetric key that is nothing but its name. */
export function publicPart(key: JsonWebKey): JsonWebKey {
  const copy = create(JsonWebKeySchema, key.$typeName === JsonWebKeySchema.typeName ? { ...key } : key);
  for (const name of PRIVATE_MEMBERS) copy[name] = "";
  return copy;
}

/** Whether the key holds something that must be sealed. */
export function hasPrivatePart(key: JsonWebKey): boolean {
  return PRIVATE_MEMBERS.some((name) => key[name] !== "");
}

/**
 * Reads a key that came from outside.
 * @throws OAuthError invalid_request naming what is wrong with it
 */
export function importKey(key: JsonWebKey): { readonly privateKey: KeyObject | undefined; readonly publicKey: KeyObject | undefined } {
  const name = `key '${key.kid.slice(0, 100)}'`;
  switch (key.kty) {
    case "RSA":
    case "EC":
    case "OKP": {
      const [privateKey, publicKey] = parse(name, key);
      const bits = publicKey.asymmetricKeyDetails?.modulusLength;
      if (bits !== undefined && bits < MIN_RSA_BITS) throw new OAuthError("invalid_request", `${name}: an RSA key needs ${MIN_RSA_BITS} bits or more, and has ${bits}`);
      return { privateKey, publicKey };
    }
    case "oct":
      if (createSecretKey(Buffer.from(key.k, "base64url")).symmetricKeySize === 0) throw new OAuthError("invalid_request", `${name}: 'k' is missing`);
      return { privateKey: undefined, publicKey: undefined };
    default:
      throw new OAuthError("invalid_request", `${name}: 'kty' is '${key.kty.slice(0, 20)}' and must be RSA, EC, OKP or oct`);
  }
}

function parse(name: string, key: JsonWebKey): readonly [KeyObject | undefined, KeyObject] {
  try {
    const jwk = toJwk(key);
    if (key.d === "") return [undefined, createPublicKey({ key: jwk, format: "jwk" })];
    const privateKey = createPrivateKey({ key: jwk, format: "jwk" });
    return [privateKey, createPublicKey(privateKey)];
  } catch (cause) {
    throw new OAuthError("invalid_request", `${name}: its members do not make a key of kty ${key.kty}`, { cause });
  }
}
