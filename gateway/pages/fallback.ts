import { html } from "hono/html";
import type { Handler } from "../http/exchange.ts";
import { sendPage } from "./layout.ts";

/** What an app of the operator does, for the page that stands in its place. */
interface Missing {
  readonly key: "urls.login" | "urls.consent" | "urls.device.verification";
  readonly what: "login" | "consent" | "device";
  /** What it finds out from the admin port, and what it asks the person. */
  readonly asks: string;
  readonly more: string;
  readonly body: string;
}

const LOGIN: Missing = {
  key: "urls.login",
  what: "login",
  asks: "It asks the admin port what is wanted:",
  more: "It asks the person, and answers:",
  body: '{"subject": "alice", "remember": true}',
};
const CONSENT: Missing = {
  key: "urls.consent",
  what: "consent",
  asks: "It asks the admin port what is wanted:",
  more: "It asks the person, and answers:",
  body: '{"grant_scope": ["openid"], "remember": true}',
};

const DEVICE: Missing = {
  key: "urls.device.verification",
  what: "device",
  asks: "It asks the person for the code that the device shows, and the admin port whose it is:",
  more: "It shows that, lets the person confirm, and answers:",
  body: '{"user_code": "BCDF-GHJK"}',
};

/** The page in place of a login app that is not configured. */
export const loginFallback: Handler = (exchange) => sendFallback(exchange, LOGIN);

/** The page in place of a consent app that is not configured. */
export const consentFallback: Handler = (exchange) => sendFallback(exchange, CONSENT);

/** The page in place of a device app that is not configured. */
export const deviceFallback: Handler = (exchange) => sendFallback(exchange, DEVICE);

/** The page that people see when their device has what it asked for, where the operator has none. */
export const deviceDoneFallback: Handler = (exchange) => {
  const content = html`<h1>Your device is connected</h1>
<p>Go back to the device: it goes on by itself in a few seconds. You can close this page.</p>
<p class="soft">You are the developer? Set <code>urls.device.success</code> (in the environment: <code>URLS_DEVICE_SUCCESS</code>) to show a page of yours here.</p>`;
  sendPage(exchange, 200, { title: "Your device is connected", content });
};

function sendFallback(exchange: Parameters<Handler>[0], { key, what, asks, more, body }: Missing): void {
  const requests = `/admin/oauth2/auth/requests/${what}`;
  const query = what === "device" ? "&user_code=$CODE" : "";
  const content = html`<h1>There is no ${what} app yet</h1>
<p>Writ keeps no users: it sends the browser to a ${what} app of yours, and none is configured. Set <code>${key}</code> (in the
environment: <code>${key.toUpperCase().replaceAll(".", "_")}</code>) to its address.</p>
<h2>What such an app does</h2>
<ol>
<li>It reads <code>${what}_challenge</code> from its query.</li>
<li>${asks}
<pre>A=http://127.0.0.1:4445${requests}
curl "$A?${what}_challenge=$CHALLENGE${query}"</pre></li>
<li>${more}
<pre>curl -X PUT -H "content-type: application/json" \\
  -d '${body}' \\
  "$A/accept?${what}_challenge=$CHALLENGE"</pre></li>
<li>It sends the browser to the <code>redirect_to</code> of the answer.</li>
</ol>
<p class="soft">You are the developer? The guide "Login and consent apps" in the documentation has it all, and <code>writ serve demo</code>
runs an app to begin with. You only wanted to sign in? Tell whoever runs this service.</p>`;
  sendPage(exchange, 200, { title: `There is no ${what} app yet`, content });
}
