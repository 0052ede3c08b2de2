import { html } from "hono/html";
import type { DeviceRequest } from "#sdk/index.ts";
import { type FormPage, heading, links, type Markup, nameOf, page } from "./pages.ts";
import { explainScope } from "./scopes.ts";

type ProvedForm = Pick<FormPage, "challenge" | "proof">;

/** Where the code is entered. `alert`: what was wrong with the last try. */
export function enterPage({ challenge, proof, userCode, alert }: ProvedForm & { readonly userCode: string; readonly alert: string }): Markup {
  const describedBy = alert === "" ? "user-code-hint" : "user-code-error user-code-hint";
  return page(
    "Connect a device",
    html`<h1>Connect a device</h1>
${alert === "" ? "" : html`<p class="alert" role="alert" id="user-code-error">${alert}</p>`}
<form method="post" action="/device">
<input type="hidden" name="challenge" value="${challenge}">
<input type="hidden" name="proof" value="${proof}">
<div class="field">
<label for="user-code">Code</label>
<input id="user-code" class="code" name="user_code" type="text" value="${userCode}" aria-describedby="${describedBy}"${alert === "" ? "" : html` aria-invalid="true"`} autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="100" required autofocus>
<p class="hint" id="user-code-hint">It is on the screen of the device. Capitals and dashes do not matter.</p>
</div>
<div class="buttons">
<button id="user-code-submit" class="primary" type="submit" name="action" value="check">Continue</button>
</div>
</form>`,
  );
}

/** Where the person looks once more: whoever sent a link with a code in it may hold the device (RFC 8628 §5.4). */
export function confirmPage({ challenge, proof, device }: ProvedForm & { readonly device: DeviceRequest }): Markup {
  const { client, userCode, requestedScope } = device;
  const items = requestedScope.map((scope) => {
    const { title, text } = explainScope(scope);
    return html`<li><div><strong>${title}</strong><span>${text}</span></div></li>`;
  });
  return page(
    "Is this your device?",
    html`${heading("Is this your device?", client, "a device with")}
<p>Check that the device in front of you shows this very code:</p>
<p class="code shown" id="user-code">${userCode}</p>
<p class="note"><strong>Did somebody send you this code or link?</strong> Then it is their device, and they would get into your account. Choose “Not my device”.</p>
${items.length === 0 ? "" : html`<p><strong>${nameOf(client)}</strong> will ask for these permissions in a moment:</p><ul class="scopes">${items}</ul>`}
<form method="post" action="/device">
<input type="hidden" name="challenge" value="${challenge}">
<input type="hidden" name="proof" value="${proof}">
<input type="hidden" name="user_code" value="${userCode}">
<div class="buttons">
<button id="device-confirm" class="primary" type="submit" name="action" value="confirm">Yes, continue</button>
<button id="device-deny" class="quiet" type="submit" name="action" value="deny">Not my device</button>
</div>
</form>
${links(client)}`,
  );
}

/** The end: the device goes on by itself. */
export function connectedPage(): Markup {
  return page(
    "Your device is connected",
    html`<h1>Your device is connected</h1>
<p id="device-success">Go back to the device: it goes on by itself in a few seconds. You can close this page.</p>`,
  );
}
