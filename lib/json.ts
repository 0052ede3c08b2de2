/** As protobuf's type of that name, which nothing here may know. */
type JsonValue = number | string | boolean | null | JsonObject | JsonValue[];

/** An object that JSON can write. */
export type JsonObject = { [name: string]: JsonValue };

/** Whether what was read from JSON is an object, and no list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
