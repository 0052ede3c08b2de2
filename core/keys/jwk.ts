import type { JsonWebKey as NodeJwk } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { type JsonWebKey, JsonWebKeySchema } from "#gen/writ/admin/v1/jwk_service_pb.ts";

const MEMBERS = ["use", "kty", "kid", "alg", "crv", "x", "y", "d", "n", "e", "p", "q", "dp", "dq", "qi", "k"] as const;
/** RFC 7518 §6.2.2, §6.3.2, §6.4.1. */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "k"] as const;

/** A key as JOSE libraries take it: members that hold nothing are left out. */
export function toJwk(key: JsonWebKey): NodeJwk {
  const jwk: Record<string, unknown> = {};
  for (const name of MEMBERS) if (key[name] !== "") jwk[name] = key[name];
  if (key.x5c.length > 0) jwk.x5c = key.x5c;
  return jwk as NodeJwk;
}

/** A key as messages carry it. Members that this version does not know were checked by nobody and are left behind. */
export function fromJwk(jwk: NodeJwk, more: { readonly kid: string; readonly alg: string; readonly use: string }): JsonWebKey {
  const key = create(JsonWebKeySchema);
  for (const name of MEMBERS) if (typeof jwk[name] === "string") key[name] = jwk[name];
  if (Array.isArray(jwk.x5c)) key.x5c = jwk.x5c.filter((each) => typeof each === "string");
  return Object.assign(key, more);
}

/** The part that everybody may see. Of a symmetric key that is nothing but its name. */
export function publicPart(key: JsonWebKey): JsonWebKey {
  const copy = create(JsonWebKeySchema, { ...key });
  for (const name of PRIVATE_MEMBERS) copy[name] = "";
  return copy;
}

/** Whether the key holds something that must be sealed. */
export function hasPrivatePart(key: JsonWebKey): boolean {
  return PRIVATE_MEMBERS.some((name) => key[name] !== "");
}
