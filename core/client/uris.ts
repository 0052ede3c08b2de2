import { OAuthError } from "#lib/errors.ts";
import { invalid } from "./invalid.ts";

/** Schemes that run or hold content in place of going somewhere. */
const DANGEROUS_SCHEMES: ReadonlySet<string> = new Set(["javascript:", "data:", "vbscript:", "blob:", "about:", "file:", "view-source:"]);

/** Printable ASCII (RFC 3986 §2), less what browsers repair, each in its own way: quotes, angle brackets, backslashes. */
const URI_CHARACTERS = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]+$/;
const WITH_HOST = /^https?:\/\/[^/?#]/i;
const ORIGIN = /^https?:\/\/[^/?#@\\]+$/i;

/**
 * Refuses what no browser may be sent to.
 * @throws OAuthError invalid_redirect_uri
 * @see RFC 6749 §3.1.2, RFC 7591 §5
 */
export function requireRedirectUri(member: string, uri: string): void {
  const refuse = (why: string): OAuthError => new OAuthError("invalid_redirect_uri", `'${member}' holds '${shorten(uri)}', which ${why}`);
  const parsed = parse(uri);
  if (parsed === undefined) throw refuse("is no absolute URI");
  if (uri.includes("#")) throw refuse("has a fragment");
  if (DANGEROUS_SCHEMES.has(parsed.protocol)) throw refuse("has a scheme that goes nowhere");
  // https://good.example@evil.example reads as the one and goes to the other.
  if (parsed.username !== "" || parsed.password !== "") throw refuse("has a user name in it");
}

/** @throws OAuthError invalid_redirect_uri, or invalid_client_metadata when it lies elsewhere than every redirect URI */
export function requirePostLogoutRedirectUri(member: string, uri: string, redirectUris: readonly string[]): void {
  requireRedirectUri(member, uri);
  requireSamePlace(member, uri, redirectUris);
}

/** @throws OAuthError invalid_client_metadata when a URI lies elsewhere than every redirect URI */
export function requireSamePlace(member: string, uri: string, redirectUris: readonly string[]): void {
  const place = placeOf(uri);
  if (!redirectUris.some((each) => placeOf(each) === place)) throw invalid(member, `holds '${shorten(uri)}', which has not the scheme, host and port of any of redirect_uris`);
}

/** Absence is fine. @throws OAuthError invalid_client_metadata when it is no http or https URL */
export function requireHttpUrl(member: string, uri: string): void {
  if (uri !== "" && (!WITH_HOST.test(uri) || parse(uri) === undefined)) throw invalid(member, "must be an http or https URL");
}

/** @throws OAuthError invalid_client_metadata when it is no origin (RFC 6454 §6.2); a leading `*.` stands for one level of subdomains */
export function requireOrigin(member: string, origin: string): void {
  if (!ORIGIN.test(origin) || parse(origin.replace("://*.", "://star.")) === undefined || origin.replace("://*.", "").includes("*"))
    throw invalid(member, `holds '${shorten(origin)}', which is no http or https origin: scheme, host and port, and nothing after`);
}

/** Scheme, host and port. Of a scheme without hosts: the scheme alone. */
function placeOf(uri: string): string {
  const parsed = parse(uri);
  return parsed === undefined ? "" : `${parsed.protocol}//${parsed.host}`;
}

function parse(uri: string): URL | undefined {
  // URL.parse takes http:x and https:///x for http://x: what is written must be what is meant.
  if (!URI_CHARACTERS.test(uri) || (/^https?:/i.test(uri) && !WITH_HOST.test(uri))) return undefined;
  return URL.parse(uri) ?? undefined;
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
