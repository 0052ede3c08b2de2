import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { type Exchange, NO_STORE, send } from "../http/exchange.ts";

/** Markup that is escaped where it must be. */
export type Markup = ReturnType<typeof html>;

/** One page. */
export interface Page {
  readonly title: string;
  readonly content: Markup;
  /** Its one script, if it has one. The text is known by its hash; nothing that anybody sent may be in it. */
  readonly script?: string;
  /** URLs of other sites that it has in frames. */
  readonly frames?: readonly string[];
  /** Where it goes by itself after some seconds, where scripts do not run. */
  readonly refresh?: { readonly seconds: number; readonly location: string };
  /** Pages of other sites may show it in a frame: an answer for a client that asks without a question does. */
  readonly frameable?: boolean;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5a6675; --paper: #f3f5f8; --card: #fff; --line: #dde3ea; --accent: #0b5cad; --code: #eef2f6; --edge: #7c8a9b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a3b0bf; --paper: #12161c; --card: #1a2028; --line: #2c3643; --accent: #7db8f5; --code: #232b35; --edge: #6f8096; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
main { width: 100%; max-width: 36rem; background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: clamp(1.25rem, 5vw, 2.25rem); }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
p, ol { margin: 0 0 .75rem; }
ol { padding-left: 1.25rem; }
code, pre { font: .875em/1.5 ui-monospace, monospace; background: var(--code); border-radius: .35rem; overflow-wrap: anywhere; }
code { padding: .1rem .3rem; }
pre { padding: .75rem; margin: .25rem 0 .75rem; overflow-x: auto; white-space: pre-wrap; }
dl { margin: 1rem 0; display: grid; grid-template-columns: auto 1fr; gap: .35rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .9rem; }
iframe { position: absolute; width: 0; height: 0; border: 0; }
button { font: inherit; font-weight: 600; color: #fff; background: #0b5cad; border: 0; border-radius: .5rem; padding: .65rem 1.25rem; cursor: pointer; }
.buttons { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: 1.25rem; }
.buttons button { flex: 1 1 10rem; }
.quiet { color: inherit; background: transparent; border: 1px solid var(--edge); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

const hashes = new Map<string, string>();

/** The source of an inline text in a Content-Security-Policy (CSP3 §2.3.1). */
function hashSource(text: string): string {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const source = `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  hashes.set(text, source);
  return source;
}

/** The one place of a frame: scheme, host, port and path. What would end it in a policy is encoded (CSP3 §2.3.1). */
function frameSource(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname.replaceAll(";", "%3B").replaceAll(",", "%2C");
}

/** Longest list of frames' places in characters: it is in a header, and proxies take few kilobytes of all together. */
const MAX_SOURCES = 2000;

/** Where frames may go: to their places alone. Of more than a header holds: to any page, since what they are is ours to write. */
function frameSources(frames: readonly string[]): string {
  const sources = [...new Set(frames.map(frameSource))].join(" ");
  return sources.length > MAX_SOURCES ? "https: http:" : sources;
}

/**
 * Sends a page. No script but its own runs on it, nothing is loaded, nobody keeps it. There is no `form-action`: browsers
 * apply it to where a posted form is redirected, too.
 */
export function sendPage(
  exchange: Exchange,
  status: number,
  { title, content, script, frames = [], refresh, frameable = false }: Page,
  more: Readonly<Record<string, string | readonly string[]>> = {},
): void {
  const policy = ["default-src 'none'", `style-src ${hashSource(STYLE)}`, "base-uri 'none'"];
  if (script !== undefined) policy.push(`script-src ${hashSource(script)}`);
  if (frames.length > 0) policy.push(`frame-src ${frameSources(frames)}`);
  if (!frameable) policy.push("frame-ancestors 'none'");
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
${refresh === undefined ? "" : html`<noscript><meta http-equiv="refresh" content="${refresh.seconds}; url=${refresh.location}"></noscript>`}
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
${content}
</main>
${script === undefined ? "" : html`<script>${raw(script)}</script>`}
</body>
</html>
`;
  send(exchange, status, "text/html;charset=UTF-8", String(page), {
    ...NO_STORE,
    "content-security-policy": policy.join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    ...(frameable ? {} : { "x-frame-options": "DENY" }),
    ...more,
  });
}
