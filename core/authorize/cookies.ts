import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { parseCookie, stringifySetCookie } from "cookie";
import { type SessionCookie, SessionCookieSchema } from "#gen/writ/store/v1/challenge_pb.ts";
import { equalBytes, halfHash } from "#lib/hash.ts";
import { type TimeId, toHex } from "#lib/id.ts";
import type { Deps } from "../deps.ts";
import type { CookieSettings } from "../settings.ts";

/** What a browser brought, as far as it is ours. */
export interface Browser {
  /** The long-lived cookie that binds flows to it. Undefined: it has none. */
  readonly binding: string | undefined;
  /** Cookies of single flows, by name: of those that began before there was the long-lived one. */
  readonly flows: Readonly<Record<string, string>>;
  /** Undefined: no session, or none that we sealed. */
  readonly session: SessionCookie | undefined;
  /** What clients watch (OIDC Session Management §3.2). Undefined: it has none, or none is used. */
  readonly state: string | undefined;
}

/** What handling cookies needs. */
export type CookieDeps = Pick<Deps, "sealer" | "settings" | "random">;

/** A year, in seconds. The cookie names no person and proves nothing but that it is the same browser. */
const BINDING_MAX_AGE = 365 * 24 * 3600;
/** A browser that sends no long-lived cookie keeps so many flows. */
const MAX_FLOWS = 8;
const BINDING = /^[\w-]{22}$/;

/** Reads a `Cookie` header. What is not ours, or broken, is as if it were not there (RFC 6265 §5.4). */
export function readBrowser({ sealer, settings }: CookieDeps, header: string): Browser {
  const all = parseCookie(header);
  const { browser, session, browserState } = settings.cookies;
  const flows: Record<string, string> = {};
  for (const [name, value] of Object.entries(all)) if (name.startsWith(`${browser}_`) && name !== browserState && value !== undefined && BINDING.test(value)) flows[name] = value;
  const sealed = all[session];
  const opened = sealed === undefined ? undefined : sealer.open("session_cookie", sealed);
  return {
    binding: all[browser] !== undefined && BINDING.test(all[browser]) ? all[browser] : undefined,
    flows,
    state: browserState === undefined ? undefined : BINDING.exec(all[browserState] ?? "")?.[0],
    // Sealed with a secret that is gone: the browser has to log in again, which is what whoever took the secret away wanted.
    session: opened?.kind === "opened" ? fromBinary(SessionCookieSchema, opened.payload) : undefined,
  };
}

/**
 * Binds a flow to the browser. One that brings no long-lived cookie gets one, and one of this flow alone: of two tabs that
 * begin at once from an empty jar the second takes the first one's long-lived cookie away.
 */
export function bindFlow(
  { random, settings }: CookieDeps,
  browser: Browser,
  id: TimeId,
  flowMillis: number,
): { readonly digest: Uint8Array; readonly setCookie: readonly string[] } {
  const { cookies } = settings;
  if (browser.binding !== undefined) return { digest: halfHash(browser.binding), setCookie: [] };
  const value = Buffer.from(random(16)).toString("base64url");
  // The first digits tell the time, so the names sort by age.
  const tooMany = Object.keys(browser.flows)
    .toSorted()
    .slice(0, Math.max(0, Object.keys(browser.flows).length - MAX_FLOWS + 1));
  return {
    digest: halfHash(value),
    setCookie: [
      setCookie(cookies, cookies.browser, value, BINDING_MAX_AGE),
      setCookie(cookies, flowCookie(cookies, id), value, Math.ceil(flowMillis / 1000)),
      ...tooMany.map((name) => setCookie(cookies, name, "", 0)),
    ],
  };
}

/** Whether it is the browser that the flow began in. */
export function isSameBrowser({ settings }: CookieDeps, browser: Browser, id: TimeId, digest: Uint8Array): boolean {
  const values = [browser.binding, browser.flows[flowCookie(settings.cookies, id)]];
  return values.some((value) => value !== undefined && equalBytes(halfHash(value), digest));
}

/** Takes a flow's own cookie away when the flow is over. */
export function endFlow({ settings }: CookieDeps, browser: Browser, id: TimeId): readonly string[] {
  const name = flowCookie(settings.cookies, id);
  return browser.flows[name] === undefined ? [] : [setCookie(settings.cookies, name, "", 0)];
}

/** Makes the browser remember its session. `seconds` from now. */
export function rememberSession({ sealer, settings }: CookieDeps, { id, birth }: Pick<SessionCookie, "id" | "birth">, seconds: number): string {
  const sealed = sealer.seal("session_cookie", toBinary(SessionCookieSchema, create(SessionCookieSchema, { id, birth })));
  return setCookie(settings.cookies, settings.cookies.session, sealed, seconds, settings.cookies.sessionPath);
}

/** Makes the browser forget its session. */
export function forgetSession({ settings: { cookies } }: Pick<CookieDeps, "settings">): string {
  return setCookie(cookies, cookies.session, "", 0, cookies.sessionPath);
}

/**
 * A new state of the browser: somebody has logged in or out. It says nothing of anybody. Scripts of ours read it in frames of
 * clients, so it is neither HttpOnly nor, where that can be, of this site alone. Undefined: session management is off.
 * @see OIDC Session Management §3.2, §5.1
 */
export function newBrowserState({ random, settings: { cookies } }: Pick<CookieDeps, "random" | "settings">): { readonly value: string; readonly setCookie: string } | undefined {
  const { browserState: name, secure, domain } = cookies;
  if (name === undefined) return undefined;
  const value = Buffer.from(random(16)).toString("base64url");
  const sameSite = secure ? "none" : "lax";
  return { value, setCookie: stringifySetCookie({ name, value, path: "/", maxAge: BINDING_MAX_AGE, secure, sameSite, ...(domain === undefined ? {} : { domain }) }) };
}

function flowCookie({ browser }: CookieSettings, id: TimeId): string {
  return `${browser}_${toHex(id).slice(4, 16)}`;
}

function setCookie({ secure, sameSite, domain }: CookieSettings, name: string, value: string, maxAge: number, path = "/"): string {
  return stringifySetCookie({ name, value, path, maxAge, httpOnly: true, secure, sameSite, ...(domain === undefined ? {} : { domain }) });
}
