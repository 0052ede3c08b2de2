import { readFileSync } from "node:fs";
import type { Log } from "#lib/events.ts";

/** The OpenAPI document as `npm run gen` wrote it; read once, when it is first asked for. */
export function openApiDocument(log: Log): () => Uint8Array {
  let document: Uint8Array | undefined;
  return () => {
    try {
      document ??= readFileSync(new URL("../../gen/openapi.json", import.meta.url));
    } catch (cause) {
      log.error("internal_error", { cause });
      throw cause;
    }
    return document;
  };
}
