import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { ResponseModeName } from "./response-modes.ts";

/** What a response type answers with. */
export interface ResponseType {
  /** Its words in the order of the alphabet. */
  readonly name: string;
  readonly givesCode: boolean;
  readonly givesAccessToken: boolean;
  readonly givesIdToken: boolean;
  /** `grant_types` that the client must have registered (OIDC Registration §2). */
  readonly grantTypes: readonly string[];
}

/**
 * Every response type there is: a new one is a line here.
 * @see RFC 6749 §3.1.1, OAuth 2.0 Multiple Response Types §3, §5
 */
export const RESPONSE_TYPES: Readonly<Record<string, ResponseType>> = {
  code: describe("code"),
  id_token: describe("id_token"),
  "id_token token": describe("id_token token"),
  token: describe("token"),
  "code id_token": describe("code id_token"),
  "code token": describe("code token"),
  "code id_token token": describe("code id_token token"),
};

function describe(name: string): ResponseType {
  const words = name.split(" ");
  const [givesCode, givesAccessToken, givesIdToken] = [words.includes("code"), words.includes("token"), words.includes("id_token")];
  return { name, givesCode, givesAccessToken, givesIdToken, grantTypes: [...(givesCode ? ["authorization_code"] : []), ...(givesAccessToken || givesIdToken ? ["implicit"] : [])] };
}

/** Brings the words of a `response_type` into one order: it is a set (RFC 6749 §3.1.1). */
export function canonicalResponseType(responseType: string): string {
  return [...new Set(responseType.split(" "))]
    .filter((word) => word !== "")
    .toSorted()
    .join(" ");
}

/**
 * The response type that a client asks for and is registered for, together with its grant types.
 * @throws OAuthError invalid_request, unsupported_response_type, unauthorized_client
 */
export function requireResponseType({ responseTypes, grantTypes }: Client, sent: string, compatHydra: boolean): ResponseType {
  if (sent === "") throw new OAuthError(compatHydra ? "unsupported_response_type" : "invalid_request", "'response_type' is missing");
  const name = canonicalResponseType(sent);
  const type = Object.hasOwn(RESPONSE_TYPES, name) ? RESPONSE_TYPES[name] : undefined;
  if (type === undefined) throw new OAuthError("unsupported_response_type", `'response_type' is '${name.slice(0, 50)}', which this server does not support`);
  const registered = responseTypes.length === 0 ? ["code"] : responseTypes.map(canonicalResponseType); // RFC 7591 §2
  if (!registered.includes(name))
    throw new OAuthError(compatHydra ? "unsupported_response_type" : "unauthorized_client", `The client is not registered for the response type '${name}'`);
  const grants = grantTypes.length === 0 ? ["authorization_code"] : grantTypes;
  const lacking = type.grantTypes.find((each) => !grants.includes(each));
  if (lacking !== undefined) throw new OAuthError("unauthorized_client", `The client is not registered for the grant type '${lacking}'`);
  return type;
}

/** The mode of an answer to a response type, known or not: what would hold tokens goes into no query (OAuth 2.0 Multiple Response Types §5). */
export function defaultModeOf(canonical: string): ResponseModeName {
  return /\b(?:token|id_token)\b/.test(canonical) ? "fragment" : "query";
}

/** The mode that an answer has, an error too: as the request has it, but for a query where none may be. */
export function modeOf(sent: ResponseModeName | undefined, canonical: string): ResponseModeName {
  return sent === undefined || sent === "query" ? defaultModeOf(canonical) : sent;
}
