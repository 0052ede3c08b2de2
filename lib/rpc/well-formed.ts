/**
 * Whether all text in a message can be written in UTF-8. JSON can name half of a surrogate pair (RFC 8259 §8.2); a protobuf
 * string has no such thing, and what is kept of it would be another text, which can be somebody else's name.
 */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return true;
  return Object.entries(value).every(([name, each]) => name.isWellFormed() && isWellFormed(each));
}
