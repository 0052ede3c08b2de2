import { fromBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { EpochMillis } from "#lib/time.ts";
import type { Row } from "./steps.ts";

/** Text of a column: MySQL keeps it as bytes, so that it compares as bytes. */
export function text(row: Row, at: number): string {
  const value = row[at];
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
  throw mismatch(at, "text");
}

/** Number of a column. */
export function integer(row: Row, at: number): number {
  const value = row[at];
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  if (typeof value === "bigint" || typeof value === "string") {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
  }
  throw mismatch(at, "an integer");
}

/** Instant of a column. */
export function instant(row: Row, at: number): EpochMillis {
  return integer(row, at) as EpochMillis;
}

/** Bytes of a column. */
export function bytes(row: Row, at: number): Uint8Array {
  const value = row[at];
  // A plain array in place of MySQL's Buffer, whose `slice` and `toString` would behave otherwise, and no view of the driver's buffer.
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw mismatch(at, "bytes");
}

/** Bytes of a column that may be empty. */
export function optionalBytes(row: Row, at: number): Uint8Array | undefined {
  return row[at] === null || row[at] === undefined ? undefined : bytes(row, at);
}

/** Document of a column. Unknown fields, written by a newer version, are kept. */
export function document<D extends DescMessage>(schema: D, row: Row, at: number): MessageShape<D> {
  return fromBinary(schema, bytes(row, at));
}

function mismatch(at: number, what: string): TypeError {
  return new TypeError(`column ${at} holds no ${what}`);
}
