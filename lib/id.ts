import type { Random } from "./random.ts";
import type { EpochMillis } from "./time.ts";

/** A time-ordered identifier of 16 bytes: 48 bits of milliseconds, 80 random bits. Neighbours in time are neighbours in an index. */
export type TimeId = Uint8Array;

/** Makes a time-ordered identifier. */
export function makeTimeId(now: EpochMillis, random: Random): TimeId {
  const id = new Uint8Array(16);
  id.set(random(10), 6);
  const high = Math.floor(now / 0x1_0000_0000);
  const low = now % 0x1_0000_0000;
  id[0] = high >>> 8;
  id[1] = high;
  id[2] = low >>> 24;
  id[3] = low >>> 16;
  id[4] = low >>> 8;
  id[5] = low;
  return id;
}

/** When a time-ordered identifier was made. */
export function timeOf(id: TimeId): EpochMillis {
  return Buffer.from(id.buffer, id.byteOffset, 6).readUIntBE(0, 6) as EpochMillis;
}

/** The form in which people and other programs see an identifier of 16 bytes: 32 hex digits. */
export function toHex(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString("hex");
}

/** Reads that form. Undefined: it is none. */
export function fromHex(text: string): Uint8Array | undefined {
  return /^[0-9a-f]{32}$/.test(text) ? new Uint8Array(Buffer.from(text, "hex")) : undefined;
}

/** Reads a UUID. Undefined: it is none. */
export function readUuid(text: string): Uint8Array | undefined {
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? new Uint8Array(Buffer.from(text.replaceAll("-", ""), "hex")) : undefined;
}

/** Writes 16 bytes as a UUID. */
export function writeUuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A random UUID (version 4, RFC 9562 §5.4). */
export function makeUuid(random: Random): string {
  const bytes = random(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return writeUuid(bytes);
}
