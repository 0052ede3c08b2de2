import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import type { LoginChallenge } from "#gen/writ/store/v1/challenge_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { equalBytes, halfHash } from "#lib/hash.ts";

/** An http redirect URI of this machine by address, in three parts: before the port, the port, after it. */
const LOOPBACK = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(:\d{1,5})?((?:[/?].*)?)$/;
const LOCAL = /^http:\/\/(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?(?:[/?]|$)/i;

/** The redirect URI of a request. `sent` empty: the request has none. `isOpenid`: it is one of OpenID Connect, which needs one. */
export interface RedirectUriRequest {
  readonly sent: string;
  readonly isOpenid: boolean;
  /** Answers may go over http to other machines. */
  readonly dev: boolean;
}

/**
 * Where the answer goes. Until this is known no error may be sent to anybody but the person at the browser.
 * @throws OAuthError invalid_request when it is not registered, or not safe
 * @see RFC 6749 §3.1.2.3, RFC 8252 §7.3, OIDC Core §3.1.2.1
 */
export function chooseRedirectUri(client: Client, { sent, isOpenid, dev }: RedirectUriRequest): string {
  const { redirectUris } = client;
  const [only = ""] = redirectUris;
  if (sent === "" && isOpenid) throw new OAuthError("invalid_request", "'redirect_uri' is missing, which OpenID Connect asks for");
  if (sent === "" && redirectUris.length !== 1) throw new OAuthError("invalid_request", "'redirect_uri' is missing, and the client has not exactly one that it could be");
  const uri = sent || only;
  if (!isRegistered(client, uri)) throw new OAuthError("invalid_request", "'redirect_uri' is none of those that the client has registered");
  if (!dev && uri.toLowerCase().startsWith("http:") && !LOCAL.test(uri)) throw new OAuthError("invalid_request", "'redirect_uri' is http to another machine: use https");
  return uri;
}

/** Exactly, but for the port of a loopback address. */
export function isRegistered({ redirectUris }: Client, uri: string): boolean {
  if (redirectUris.includes(uri)) return true;
  const wanted = URL.canParse(uri) ? withoutPort(uri) : undefined; // a port beyond 65535 is none
  return wanted !== undefined && redirectUris.some((each) => withoutPort(each) === wanted);
}

/** Whether only its owner can have registered it at the person's machine or on the web (RFC 8252 §8.6): https, or this machine. */
export function isHardToTakeOver(uri: string): boolean {
  return uri.toLowerCase().startsWith("https:") || LOCAL.test(uri);
}

/** How a challenge names a redirect URI in few bytes: by its place and a digest where it is a registered one to the letter. */
export function shortenRedirectUri({ redirectUris }: Client, uri: string): { readonly redirectUriIndex: number; readonly redirectUriDigest: Uint8Array } | undefined {
  const index = redirectUris.indexOf(uri);
  return index === -1 ? undefined : { redirectUriIndex: index, redirectUriDigest: halfHash(uri) };
}

/** What it names, if the client has it still. */
export function restoreRedirectUri(client: Client, { request, redirectUriIndex, redirectUriDigest }: LoginChallenge): string | undefined {
  if (request?.device !== undefined) return ""; // RFC 8628: a device has none
  const whole = request?.redirectUri ?? "";
  if (whole !== "") return isRegistered(client, whole) ? whole : undefined;
  const isIt = (uri: string | undefined): boolean => uri !== undefined && equalBytes(halfHash(uri), redirectUriDigest);
  const { redirectUris } = client;
  return isIt(redirectUris[redirectUriIndex]) ? redirectUris[redirectUriIndex] : redirectUris.find(isIt);
}

function withoutPort(uri: string): string | undefined {
  const [, before, , after] = LOOPBACK.exec(uri) ?? [];
  return before === undefined ? undefined : `${before}${after}`;
}
