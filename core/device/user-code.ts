import { createHmac, createSecretKey } from "node:crypto";
import type { Random } from "#lib/random.ts";
import { derive } from "#lib/seal.ts";
import type { DeviceSettings } from "../settings.ts";

type UserCodeSettings = DeviceSettings["userCode"];

/** Keyed hashes of user codes. They are short: whoever reads the database must not find them by trying. */
export interface UserCodeHashes {
  /** With the first system secret. */
  hash(userCode: string): Uint8Array;
  /** With each of them: a code may have been made before the first one changed. */
  hashAll(userCode: string): readonly Uint8Array[];
}

/** Makes the hashes of an issuer's user codes. */
export function makeUserCodeHashes(secrets: readonly string[], issuer: number): UserCodeHashes {
  const keys = [...new Set(secrets)].map((secret) => createSecretKey(derive(secret, `writ user code v1 ${issuer}`, 32)));
  const hashAll = (userCode: string): Uint8Array[] => keys.map((key) => new Uint8Array(createHmac("sha256", key).update(bare(userCode)).digest()));
  return {
    hashAll,
    hash: (userCode) => hashAll(userCode)[0] ?? new Uint8Array(),
  };
}

/** Makes a user code, without what it is shown with. Each character is as likely as the others. @see RFC 8628 §6.1 */
export function makeUserCode({ length, characters }: UserCodeSettings, random: Random): string {
  const even = 256 - (256 % characters.length); // bytes from there on would make the first characters likelier
  let code = "";
  while (code.length < length) for (const byte of random(length * 2)) if (byte < even && code.length < length) code += characters[byte % characters.length];
  return code;
}

/** A user code as people read it: `BCDF-GHJK`. */
export function showUserCode({ isGrouped }: Pick<UserCodeSettings, "isGrouped">, code: string): string {
  if (!isGrouped) return code;
  const size = code.length % 4 === 0 ? 4 : code.length % 3 === 0 ? 3 : code.length;
  return code.match(new RegExp(`.{${size}}`, "g"))?.join("-") ?? code;
}

/** A typed code as it was made: in the case that its characters have. */
export function canonicalUserCode({ characters }: Pick<UserCodeSettings, "characters">, typed: string): string {
  return [...bare(typed)].map((each) => (characters.includes(each) ? each : each.toLowerCase())).join("");
}

/** What of a typed code counts: RFC 8628 §6.1 has case and punctuation mean nothing. */
function bare(typed: string): string {
  return typed
    .normalize("NFKC")
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, "");
}
