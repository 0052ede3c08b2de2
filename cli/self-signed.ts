import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A key and a certificate for it, PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

const DAY = 86_400_000;
/** Tags of X.690 §8; those of X.509 above 0x80 are its own. */
const TAG = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, text: 0x0c, time: 0x17, sequence: 0x30, set: 0x31 } as const;
const ECDSA_SHA256 = Buffer.from("2a8648ce3d040302", "hex"); // RFC 5758 §3.2: 1.2.840.10045.4.3.2
const COMMON_NAME = Buffer.from("550403", "hex"); // RFC 5280 App. A.1: 2.5.4.3
const SUBJECT_ALT_NAME = Buffer.from("551d11", "hex"); // RFC 5280 §4.2.1.6: 2.5.29.17

/** A certificate of this machine's loopback names, signed by its own key and good for a day: a browser warns of it. @see RFC 5280 §4.1 */
export function makeSelfSigned(now: number): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(TAG.sequence, der(TAG.oid, ECDSA_SHA256));
  const name = der(TAG.sequence, der(TAG.set, der(TAG.sequence, der(TAG.oid, COMMON_NAME), der(TAG.text, Buffer.from("writ perform authorization-code")))));
  const names = der(TAG.sequence, der(0x82, Buffer.from("localhost")), der(0x87, Buffer.from([127, 0, 0, 1])));
  const extensions = der(0xa3, der(TAG.sequence, der(TAG.sequence, der(TAG.oid, SUBJECT_ALT_NAME), der(TAG.octets, names))));
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]); // positive
  const toBeSigned = der(
    TAG.sequence,
    der(0xa0, der(TAG.integer, Buffer.from([2]))), // v3
    der(TAG.integer, serial),
    algorithm,
    name,
    der(TAG.sequence, time(now - DAY), time(now + DAY)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    extensions,
  );
  const signature = der(TAG.bits, Buffer.from([0]), sign("sha256", toBeSigned, privateKey));
  const certificate = der(TAG.sequence, toBeSigned, algorithm, signature).toString("base64");
  const lines = certificate.match(/.{1,64}/g) ?? [];
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), cert: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n` };
}

/** Tag, length and contents (X.690 §8.1). */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head = length < 0x80 ? [tag, length] : length < 0x100 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

/** UTCTime, as is right until 2049 (RFC 5280 §4.1.2.5). */
function time(instant: number): Buffer {
  return der(TAG.time, Buffer.from(`${new Date(instant).toISOString().slice(2, 19).replace(/[-:T]/g, "")}Z`));
}
