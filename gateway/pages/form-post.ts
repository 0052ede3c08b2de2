import { html } from "hono/html";
import type { FormPost } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { Exchange } from "../http/exchange.ts";
import { sendPage } from "./layout.ts";

/** In old words: some of the browsers that load it are old. */
const SUBMIT = "document.forms[0].submit();";

/**
 * A form that takes an authorization response to the client: by itself where scripts run, else by its button.
 * @see OAuth 2.0 Form Post Response Mode §2
 */
export function sendFormPost(exchange: Exchange, { action, parameters }: FormPost, setCookie: readonly string[]): void {
  // Core has matched it with a registered URI, none of which may be such; a page that runs what it was sent would be the worst of all.
  if (/^(?:javascript|data|vbscript|blob|about):/i.test(action)) throw new Error("a form cannot be posted there");
  const content = html`<h1>Back to the application</h1>
<p>If nothing happens, go on by hand.</p>
<form method="post" action="${action}">
${parameters.map(({ name, value }) => html`<input type="hidden" name="${name}" value="${value}">`)}
<div class="buttons"><button id="continue" type="submit">Continue</button></div>
</form>`;
  sendPage(exchange, 200, { title: "Back to the application", content, script: SUBMIT, frameable: true }, { "set-cookie": setCookie });
}
