import { hash } from "node:crypto";
import type { Deps } from "../deps.ts";
import type { Target } from "./answer.ts";
import { type Browser, newBrowserState } from "./cookies.ts";

/**
 * Lets the client watch the session, where that is configured: its answer will have a `session_state`, which the page that it
 * asks can make again for as long as nobody logs in or out in this browser.
 * @see OIDC Session Management §2, §3.2
 */
export function watchSession(
  deps: Pick<Deps, "settings" | "random">,
  target: Target,
  { clientId, scope, browser }: { readonly clientId: string; readonly scope: readonly string[]; readonly browser: Browser },
): { readonly target: Target; readonly setCookie: readonly string[] } {
  const origin = URL.parse(target.redirectUri)?.origin ?? "null";
  if (deps.settings.cookies.browserState === undefined || !scope.includes("openid") || !origin.startsWith("http")) return { target, setCookie: [] };
  const fresh = browser.state === undefined ? newBrowserState(deps) : undefined;
  const salt = Buffer.from(deps.random(12)).toString("base64url");
  const digest = hash("sha256", `${clientId} ${origin} ${browser.state ?? fresh?.value} ${salt}`, "hex");
  return { target: { ...target, sessionState: `${digest}.${salt}` }, setCookie: fresh === undefined ? [] : [fresh.setCookie] };
}
