import { html } from "hono/html";
import type { LogoutFrames } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { Exchange, Handler } from "../http/exchange.ts";
import { parameter, parseParameters } from "../http/form.ts";
import { sendPage } from "./layout.ts";

/** Seconds that frames have where scripts do not run. */
const WITHOUT_SCRIPT = 2;
/** As Hydra: half a second after all have loaded, seven seconds at most. In old words, see form-post.ts. */
const GO_ON =
  "(function () { var go = function () { location.replace(document.getElementById('continue').href); }; window.onload = function () { setTimeout(go, 500); }; setTimeout(go, 7000); })();";

/**
 * Tells clients that somebody has logged out, each in a frame of its own, and goes on. A frame may run its scripts and have
 * its cookies; it cannot take the whole page elsewhere.
 * @see OIDC Front-Channel Logout §3
 */
export function sendLogoutFrames(exchange: Exchange, { uris, location }: LogoutFrames, setCookie: readonly string[]): void {
  if (/^(?:javascript|data|vbscript|blob|about):/i.test(location)) throw new Error("a logout cannot end there"); // core has matched it with a registered one, none of which may be such
  const content = html`<h1>You are being signed out</h1>
<p>The applications that you used are told of it. This takes a moment.</p>
<p><a id="continue" href="${location}">Continue</a></p>
${uris.map((uri) => html`<iframe src="${uri}" sandbox="allow-scripts allow-same-origin allow-forms" title="An application" aria-hidden="true" tabindex="-1"></iframe>`)}`;
  const refresh = { seconds: WITHOUT_SCRIPT, location };
  sendPage(exchange, 200, { title: "You are being signed out", content, script: GO_ON, frames: uris, refresh }, { "set-cookie": setCookie });
}

/** The page in place of a logout app that is not configured: it asks. Whoever sends somebody here by a link has no challenge of their browser. */
export const logoutFallback: Handler = (exchange) => {
  const challenge = parameter(parseParameters(exchange.query), "logout_challenge");
  const content = html`<h1>Do you want to sign out?</h1>
<p>You will have to sign in again, here and in the applications that you came from.</p>
<form method="post" action="../sessions/logout">
<input type="hidden" name="logout_challenge" value="${challenge}">
<div class="buttons">
<button id="logout-confirm" type="submit" name="answer" value="yes">Sign out</button>
<button id="logout-cancel" class="quiet" type="submit" name="answer" value="no">Stay signed in</button>
</div>
</form>`;
  sendPage(exchange, 200, { title: "Do you want to sign out?", content });
};

/** Where logouts end that have no other place to go. */
export const loggedOutPage: Handler = (exchange) => {
  const content = html`<h1>You are signed out</h1>
<p>You can close this page.</p>`;
  sendPage(exchange, 200, { title: "You are signed out", content });
};

/** Where they end when the person has thought better of it. */
export const stillLoggedInPage: Handler = (exchange) => {
  const content = html`<h1>You are still signed in</h1>
<p>Nothing has changed. You can close this page, or go back to the application.</p>`;
  sendPage(exchange, 200, { title: "You are still signed in", content });
};
