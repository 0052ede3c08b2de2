import { html } from "hono/html";
import type { Handler } from "../http/exchange.ts";
import { sendPage } from "./layout.ts";

/** What an app of the operator does, for the page that stands in its place. */
interface Missing {
  readonly key: "urls.login" | "urls.consent";
  readonly what: "login" | "consent";
  readonly body: string;
}

const LOGIN: Missing = { key: "urls.login", what: "login", body: '{"subject": "alice", "remember": true}' };
const CONSENT: Missing = { key: "urls.consent", what: "consent", body: '{"grant_scope": ["openid"], "remember": true}' };

/** The page in place of a login app that is not configured. */
export const loginFallback: Handler = (exchange) => sendFallback(exchange, LOGIN);

/** The page in place of a consent app that is not configured. */
export const consentFallback: Handler = (exchange) => sendFallback(exchange, CONSENT);

function sendFallback(exchange: Parameters<Handler>[0], { key, what, body }: Missing): void {
  const requests = `/admin/oauth2/auth/requests/${what}`;
  const content = html`<h1>There is no ${what} app yet</h1>
<p>Writ keeps no users: it sends the browser to a ${what} app of yours, and none is configured. Set <code>${key}</code> (in the
environment: <code>${key.toUpperCase().replace(".", "_")}</code>) to its address.</p>
<h2>What such an app does</h2>
<ol>
<li>It reads <code>${what}_challenge</code> from its query.</li>
<li>It asks the admin port what is wanted:
<pre>A=http://127.0.0.1:4445${requests}
curl "$A?${what}_challenge=$CHALLENGE"</pre></li>
<li>It asks the person, and answers:
<pre>curl -X PUT -H "content-type: application/json" \\
  -d '${body}' \\
  "$A/accept?${what}_challenge=$CHALLENGE"</pre></li>
<li>It sends the browser to the <code>redirect_to</code> of the answer.</li>
</ol>
<p class="soft">You are the developer? The guide "Login and consent apps" in the documentation has it all, and <code>writ serve demo</code>
runs an app to begin with. You only wanted to sign in? Tell whoever runs this service.</p>`;
  sendPage(exchange, 200, { title: `There is no ${what} app yet`, content });
}
