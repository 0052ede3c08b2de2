import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";

/** The accounts that people had kept in this browser. They are names to begin with and prove nothing: each has to log in. */
export interface Accounts {
  /** The latest first. */
  list(context: Context): readonly string[];
  add(context: Context, name: string, seconds: number): void;
}

const MOST = 5;
/** What a cookie can hold is 4096 bytes, its name included. */
const MAX_COOKIE = 3500;
const MAX_URL = 8000;

/** Makes the list of accounts. */
export function makeAccounts(secure: boolean): Accounts {
  const cookie = `${secure ? "__Host-" : ""}writ_demo_accounts`;
  const list: Accounts["list"] = (context) => readNames(getCookie(context, cookie) ?? "");
  return {
    list,
    add(context, name, seconds) {
      const names = [name, ...list(context).filter((each) => each !== name)].slice(0, MOST);
      while (writeNames(names).length > MAX_COOKIE) names.pop();
      setCookie(context, cookie, writeNames(names), { httpOnly: true, sameSite: "Lax", secure, path: "/", maxAge: seconds });
    },
  };
}

/** Whether a request wants the person to say which account it is (OIDC Core §3.1.2.1). */
export function wantsChoice(requestUrl: string): boolean {
  return promptsOf(URL.parse(requestUrl)).includes("select_account");
}

/** Where the request begins anew, to be answered by another account; undefined where it cannot: a device's came by another way. */
export function otherAccountUrl(requestUrl: string): string | undefined {
  const url = URL.parse(requestUrl);
  if (url?.searchParams.has("response_type") !== true || requestUrl.length > MAX_URL) return undefined;
  const kept = promptsOf(url).filter((each) => each === "consent");
  url.searchParams.set("prompt", [...kept, "select_account"].join(" "));
  return url.href;
}

const promptsOf = (url: URL | null): readonly string[] => url?.searchParams.get("prompt")?.split(" ") ?? [];

const writeNames = (names: readonly string[]): string => Buffer.from(JSON.stringify(names)).toString("base64url");

function readNames(text: string): readonly string[] {
  try {
    const names: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(names) ? names.filter((each) => typeof each === "string" && each !== "" && each.length <= 255).slice(0, MOST) : [];
  } catch {
    return []; // somebody else's cookie
  }
}
