import { OAuthError } from "#lib/errors.ts";
import { invalid } from "./invalid.ts";

/** Schemes that run or hold content in place of going somewhere. */
const DANGEROUS_SCHEMES: ReadonlySet<string> = new Set(["javascript:", "data:", "vbscript:", "blob:", "about:", "file:", "view-source:"]);

/** Printable ASCII (RFC 3986 §2), less what browsers repair, each in its own way: quotes, angle brackets, backslashes. */
const URI_CHARACTERS = /^[\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]+$/;
/** Hosts that are the machine of whoever asks. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;
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

/** What a client said of where its redirect URIs are. Neither web nor native: it did not say. */
export interface RedirectUriUse {
  readonly isWeb: boolean;
  readonly isNative: boolean;
  /** Tokens come in redirects: the implicit and hybrid flows. */
  readonly takesTokens: boolean;
}

/**
 * Refuses what a stranger may not register: http but to this machine, schemes that nobody owns, and for tokens in redirects of
 * web clients all but https.
 * @throws OAuthError invalid_redirect_uri
 * @see OIDC Registration §2, RFC 8252 §7.1, §8.4
 */
export function requireSafeRedirectUri(uri: string, { isWeb, isNative, takesTokens }: RedirectUriUse): void {
  requireRedirectUri("redirect_uris", uri);
  const refuse = (why: string): OAuthError => new OAuthError("invalid_redirect_uri", `'redirect_uris' holds '${shorten(uri)}', which ${why}`);
  const { protocol, hostname } = parse(uri) ?? { protocol: "", hostname: "" };
  const isLoopback = LOOPBACK.test(hostname);
  if (protocol === "https:") {
    if (takesTokens && !isNative && isLoopback) throw refuse("is this machine: tokens go there for native clients only");
    return;
  }
  if (protocol === "http:") {
    if (!isLoopback) throw refuse("is http to another machine: use https");
    if (takesTokens && !isNative) throw refuse("is http: tokens go there for native clients only");
    return;
  }
  if (isWeb) throw refuse("is no https URL: the client is of application_type web");
  if (!protocol.includes(".")) throw refuse("has a scheme that anybody could claim: use one of a domain name in reverse, such as com.example.app");
  if (takesTokens && !isNative) throw refuse("is no https URL: tokens go there for native clients only");
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

/** Absence is fine. @throws OAuthError invalid_client_metadata when it is no https URL, or has a user name or a fragment in it */
export function requireHttpsUrl(member: string, uri: string): void {
  if (uri === "") return;
  const parsed = parse(uri);
  if (parsed?.protocol !== "https:" || parsed.username !== "" || parsed.password !== "" || uri.includes("#"))
    throw invalid(member, "must be an https URL without user name and fragment");
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
