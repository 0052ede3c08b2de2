import { createHash } from "node:crypto";
import { html, raw } from "hono/html";

/** Markup that is escaped where it must be. */
type Markup = ReturnType<typeof html>;

const STYLE = `
:root { color-scheme: light dark; }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto; padding: 0 1.25rem; }
h1 { font-size: 1.4rem; }
code { overflow-wrap: anywhere; }
.go { display: inline-block; padding: .65rem 1.25rem; border-radius: .5rem; background: #0b5cad; color: #fff; font-weight: 600; text-decoration: none; }
`;

/** No script runs on these pages, and nothing is loaded. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html;charset=UTF-8",
  "cache-control": "no-store",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; frame-ancestors 'none'; base-uri 'none'`,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Where a flow begins. */
export function startPage(clientId: string, scope: string): string {
  return page(
    "Try the authorization code flow",
    html`<p>You will log in and give your consent to the client <code>${clientId}</code>, which asks for <code>${scope}</code>.</p>
<p><a class="go" id="start" href="/perform-flow">Start</a></p>`,
  );
}

/** Where it ends well. */
export function successPage(): string {
  return page("It worked", html`<p>The tokens are shown in the terminal. This window may be closed.</p>`);
}

/** Where it ends otherwise. */
export function failurePage(error: string, description: string): string {
  return page("It did not work", html`<p><code id="error">${error}</code></p><p id="error-description">${description}</p><p><a href="/">Again</a></p>`);
}

function page(title: string, content: Markup): string {
  return String(html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${raw(STYLE)}</style></head>
<body><main><h1>${title}</h1>
${content}
</main></body>
</html>
`);
}
