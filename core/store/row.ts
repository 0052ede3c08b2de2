/** What an engine returned for a text column: MySQL keeps text as bytes, so that it compares as bytes. */
export function text(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
  throw new TypeError("the column holds no text");
}

/** An integer: SQLite's number, or MySQL's number or digits. */
export function integer(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  if (typeof value === "bigint" || (typeof value === "string" && value !== "")) {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return number;
  }
  throw new TypeError("the column holds no integer");
}

/** Bytes. Never a view of the driver's buffer, and never a Buffer, whose `slice` and `toString` mean something else. */
export function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError("the column holds no bytes");
  return value.constructor === Uint8Array && value.byteLength === value.buffer.byteLength ? value : new Uint8Array(value);
}
