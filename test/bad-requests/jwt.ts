import { createHmac, type KeyObject, sign } from "node:crypto";

const encode = (part: object | string): string => Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");

/** A JWT as it is told to be, right or not: signed by an EC key or a secret as `alg` says, which the key need not fit; without a key unsigned. */
export function makeJwt(claims: object | string, key: KeyObject | string | undefined, header: object | string = {}): string {
  const head = typeof header === "string" ? header : { alg: key === undefined ? "none" : typeof key === "string" ? "HS256" : "ES256", ...header };
  const content = `${encode(head)}.${encode(claims)}`;
  if (key === undefined) return `${content}.`;
  const signature =
    typeof key === "string"
      ? createHmac("sha256", key).update(content).digest("base64url")
      : sign("sha256", Buffer.from(content), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
  return `${content}.${signature}`;
}

/** Now, in seconds. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Strings that are no JWT, by what they are. */
export function brokenJwts(right: string): Readonly<Record<string, string>> {
  const [header = "", claims = "", signature = ""] = right.split(".");
  return {
    "one word": "x",
    "two parts": `${header}.${claims}`,
    "five parts": `${right}.x.y`,
    "no signature": `${header}.${claims}.`,
    "no header": `.${claims}.${signature}`,
    "no claims": `${header}..${signature}`,
    "a header that is no base64url": `*.${claims}.${signature}`,
    "a header that is no JSON": `${encode("{")}.${claims}.${signature}`,
    "a header that is an array": `${encode("[]")}.${claims}.${signature}`,
    "a header that is null": `${encode("null")}.${claims}.${signature}`,
    "claims that are an array": `${header}.${encode("[]")}.${signature}`,
    "claims that are a number": `${header}.${encode("1")}.${signature}`,
    "claims that are no UTF-8": `${header}.${Buffer.from([0x7b, 0xff, 0x7d]).toString("base64url")}.${signature}`,
    "deep claims": `${header}.${encode(`${'{"a":'.repeat(2000)}1${"}".repeat(2000)}`)}.${signature}`,
    "another signature": `${header}.${claims}.${"A".repeat(signature.length)}`,
    "a signature that was cut": right.slice(0, -4),
    "a space in it": right.replace(".", ". "),
    "20,000 characters": `${header}.${"A".repeat(20_000)}.${signature}`,
  };
}
