import type { ResponseModeName } from "./response-modes.ts";

/** What a response type answers with. */
interface ResponseType {
  /** Mode of the answer where the request names none (OAuth 2.0 Multiple Response Types §2.1). */
  readonly mode: ResponseModeName;
  /** `grant_types` that the client must have registered (OIDC Registration §2). */
  readonly grantTypes: readonly string[];
}

/** Every response type there is, its words in the order of the alphabet: a new one is a line here. */
export const RESPONSE_TYPES: Readonly<Record<string, ResponseType>> = {
  code: { mode: "query", grantTypes: ["authorization_code"] },
};

/** Brings the words of a `response_type` into one order: it is a set (RFC 6749 §3.1.1). */
export function canonicalResponseType(responseType: string): string {
  return [...new Set(responseType.split(" "))]
    .filter((word) => word !== "")
    .toSorted()
    .join(" ");
}

/** The mode of an answer to a response type, known or not: what would hold tokens goes into no query. */
export function defaultModeOf(canonical: string): ResponseModeName {
  return /\b(?:token|id_token)\b/.test(canonical) ? "fragment" : "query";
}
