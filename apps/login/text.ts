const MAX_TEXT = 1000;

/** A text of a form or query, of a length that can be shown. */
export function text(value: unknown, longest = MAX_TEXT): string {
  return typeof value === "string" ? value.slice(0, longest) : "";
}
