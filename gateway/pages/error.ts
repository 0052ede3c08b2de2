import { html } from "hono/html";
import type { Exchange } from "../http/exchange.ts";
import type { Failure } from "../http/render-error.ts";
import { sendPage } from "./layout.ts";

/** What the person can do, by the error. */
const ADVICE: Readonly<Record<string, string>> = {
  temporarily_unavailable: "This passes. Wait a moment, then load the page again.",
  server_error: "Try again in a moment. If it happens again, tell whoever runs this service.",
  access_denied: "Go back to the application and start again from there.",
  invalid_client: "The application is not set up here as it thinks it is. Tell whoever runs the application.",
};
const ANY_ADVICE = "The application that sent you here made a request that cannot be answered. Go back and try again; if it happens again, tell whoever runs the application.";

/**
 * An error for a person, where no client may be told (RFC 6749 §4.1.2.1). The description quotes what somebody sent, so it
 * is shown as text and no address is made a link.
 */
export function sendErrorPage(exchange: Exchange, { status, error, description, headers }: Failure, setCookie: readonly string[] = []): void {
  const content = html`<h1>This request cannot go on</h1>
<p>${ADVICE[error] ?? ANY_ADVICE}</p>
<dl>
<dt>Error</dt><dd><code id="error">${error}</code></dd>
<dt>Description</dt><dd id="error-description">${description}</dd>
<dt>Request</dt><dd><code id="request-id">${exchange.requestId}</code></dd>
</dl>
<p class="soft">The description is for the developer of the application. Nothing was granted to anybody.</p>`;
  sendPage(exchange, status, { title: "This request cannot go on", content }, { ...headers, "set-cookie": setCookie });
}
