import { OAuthError } from "#lib/errors.ts";
import { isJsonObject } from "#lib/json.ts";
import type { ClaimsRequest, ClaimWish } from "../model/claims-request.ts";

/** Longest `claims` in characters: it travels in URLs. */
const MAX_LENGTH = 4096;
/** Most claims in one place, and most values of one. */
const MAX_NAMES = 100;
/** Longest name of a claim. */
const MAX_NAME = 255;
/** How deep a value may nest. */
const MAX_DEPTH = 8;

/**
 * Reads `claims`: the JSON text of what is understood of it; empty: nothing. What is not known of it is ignored.
 * @throws OAuthError invalid_request
 * @see OIDC Core §5.5
 */
export function readClaims(text: string, givesAccessToken: boolean): string {
  if (text === "") return "";
  if (text.length > MAX_LENGTH) throw wrong(`is longer than ${MAX_LENGTH} characters`);
  const sent = parse(text);
  const kept: ClaimsRequest = { ...readPlace(sent, "id_token"), ...readPlace(sent, "userinfo") };
  // OIDC Core §5.5: nothing could be asked at userinfo without an access token.
  if (kept.userinfo !== undefined && !givesAccessToken) throw wrong("asks for claims at userinfo, and 'response_type' brings no access token for it");
  return Object.keys(kept).length === 0 ? "" : wellFormed(JSON.stringify(kept));
}

/** Half a surrogate pair, which JSON can name and UTF-8 cannot write, is what every decoder makes of it (RFC 8259 §8.2). */
function wellFormed(json: string): string {
  return json.replace(/\\(?:u(d[89a-f][0-9a-f]{2})|.)/g, (escape, half) => (half === undefined ? escape : "\ufffd"));
}

function parse(text: string): Readonly<Record<string, unknown>> {
  let sent: unknown;
  try {
    // A member of that name would be no member but change what the object is.
    sent = JSON.parse(text, (name, value) => (name === "__proto__" ? undefined : value));
  } catch (cause) {
    throw wrong("is no JSON", cause);
  }
  if (!isJsonObject(sent)) throw wrong("is no JSON object");
  return sent;
}

function readPlace(sent: Readonly<Record<string, unknown>>, place: keyof ClaimsRequest): ClaimsRequest {
  const wishes = Object.hasOwn(sent, place) ? sent[place] : undefined;
  if (wishes === undefined || wishes === null) return {};
  if (!isJsonObject(wishes)) throw wrong(`has a member '${place}' that is no object`);
  const names = Object.keys(wishes);
  if (names.length > MAX_NAMES) throw wrong(`asks for more than ${MAX_NAMES} claims in '${place}'`);
  const kept = names.map((name) => [name, readWish(name, wishes[name])] as const);
  return kept.length === 0 ? {} : { [place]: Object.fromEntries(kept) };
}

function readWish(name: string, wish: unknown): ClaimWish | null {
  const shown = `'${name.slice(0, 50)}'`;
  if (name.length > MAX_NAME) throw wrong(`names a claim ${shown} that is longer than ${MAX_NAME} characters`);
  if (wish === null) return null;
  if (!isJsonObject(wish)) throw wrong(`says of the claim ${shown} what is neither null nor an object`);
  const { essential, value, values } = wish;
  if (essential !== undefined && typeof essential !== "boolean") throw wrong(`has an 'essential' at the claim ${shown} that is neither true nor false`);
  if (values !== undefined && (!Array.isArray(values) || values.length === 0 || values.length > MAX_NAMES))
    throw wrong(`has 'values' at the claim ${shown} that are no list of 1 to ${MAX_NAMES}`);
  if (isTooDeep([value, values])) throw wrong(`has a value at the claim ${shown} that nests deeper than ${MAX_DEPTH} levels`);
  return { ...(essential === undefined ? {} : { essential }), ...(value === undefined ? {} : { value }), ...(values === undefined ? {} : { values }) };
}

function isTooDeep(value: unknown, left = MAX_DEPTH + 1): boolean {
  return typeof value === "object" && value !== null && (left === 0 || Object.values(value).some((each) => isTooDeep(each, left - 1)));
}

function wrong(why: string, cause?: unknown): OAuthError {
  return new OAuthError("invalid_request", `'claims' ${why}`, cause === undefined ? {} : { cause });
}
