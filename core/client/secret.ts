import type { ClientRecord } from "#gen/writ/store/v1/client_record_pb.ts";
import { equalBytes, hashSecret } from "#lib/hash.ts";
import type { Random } from "#lib/random.ts";
import { openSealed } from "#lib/seal.ts";
import type { Deps } from "../deps.ts";

/** Longest secret in UTF-8 bytes. What is longer was never registered, so no slow hash is spent on it. */
export const MAX_SECRET_BYTES = 512;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** 43 characters of 62 are 256 bits. */
const LENGTH = 43;
/** As many bytes as HS512 asks for at least (RFC 7518 §3.2), and more. */
export const SIGNING_LENGTH = 86;
/** The largest multiple of 62 in a byte: what is drawn above it would favour the first letters. */
const FAIR = 248;

/** Methods by which a client shows a secret as it is, so that a hash of it is enough to know. */
export const SHOWS_SECRET: ReadonlySet<string> = new Set(["client_secret_basic", "client_secret_post"]);

/** How a client's secret can be checked: the `secret` of its record. */
export type SecretCheck = ClientRecord["secret"];

/** A client without a secret. */
export const NO_SECRET: SecretCheck = { case: undefined };

/**
 * Makes a secret of 256 random bits. Shape: 43 letters (or `length`) and digits, which mean themselves in every encoding that a client
 * may or may not apply (RFC 6749 §2.3.1), and never begin an option on a command line.
 */
export function makeSecret(random: Random, length = LENGTH): string {
  let secret = "";
  while (secret.length < length) for (const byte of random(length - secret.length)) if (byte < FAIR) secret += ALPHABET[byte % ALPHABET.length];
  return secret;
}

/** How a secret that the server made is kept. It has full entropy, so a plain hash gives nothing away (RFC 6749 §10.10). */
export function keepMadeSecret(secret: string): SecretCheck {
  return { case: "secretSha256", value: hashSecret<"client_secret">(secret) };
}

/** How a secret that somebody chose is kept. @throws OAuthError temporarily_unavailable when too much is being hashed */
export async function keepChosenSecret({ slowHash }: Pick<Deps, "slowHash">, secret: string): Promise<SecretCheck> {
  return { case: "secretPhc", value: await slowHash.hash(secret) };
}

/** How the secret of a client is kept that signs with it (`client_secret_jwt`): whoever verifies needs the secret itself. */
export function keepSealedSecret({ sealer }: Pick<Deps, "sealer">, secret: string): SecretCheck {
  return { case: "secretSealed", value: sealer.seal("stored_secret", Buffer.from(secret)) };
}

/**
 * The bytes of a secret that is kept sealed. Undefined: it is not.
 * @throws OAuthError temporarily_unavailable when it was sealed with a system secret that is not configured here
 */
export function openSecret({ sealer }: Pick<Deps, "sealer">, kept: SecretCheck): Uint8Array | undefined {
  return kept.case === "secretSealed" ? openSealed(sealer, "stored_secret", kept.value, "The client's secret") : undefined;
}

/** Tells whether a secret is the client's, or one that was rotated away and works still. */
export function isSecretOf(
  deps: Pick<Deps, "slowHash">,
  { secret: kept, rotatedSecrets }: Pick<ClientRecord, "secret" | "rotatedSecrets">,
  secret: string,
): boolean | Promise<boolean> {
  return rotatedSecrets.length === 0 ? isRightSecret(deps, kept, secret) : isOneOf(deps, [kept, ...rotatedSecrets.map((each) => each.secret)], secret);
}

async function isOneOf(deps: Pick<Deps, "slowHash">, all: readonly SecretCheck[], secret: string): Promise<boolean> {
  for (const kept of all) if (await isRightSecret(deps, kept, secret)) return true;
  return false;
}

/** Tells whether a secret is a client's present one. A client without one has no right secret. */
export function isRightSecret({ slowHash }: Pick<Deps, "slowHash">, kept: SecretCheck, secret: string): boolean | Promise<boolean> {
  if (kept.case === "secretSha256") return equalBytes(hashSecret(secret), kept.value);
  if (kept.case !== "secretPhc" || secret.length > MAX_SECRET_BYTES || Buffer.byteLength(secret) > MAX_SECRET_BYTES) return false;
  return slowHash.verify(secret, kept.value);
}
