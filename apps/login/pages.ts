import { html } from "hono/html";
import type { OAuthClient } from "#sdk/index.ts";
import type { Failure } from "./failure.ts";
import { explainScope } from "./scopes.ts";

/** Markup that is escaped where it must be. */
export type Markup = ReturnType<typeof html>;

/** A whole page. */
export function page(title: string, content: Markup): Markup {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
${content}
</main>
<footer>A demo app. Its people are made up; nothing here is real.</footer>
</body>
</html>
`;
}

/** What a form is about, and what proves that it was made here. */
export interface FormPage {
  readonly challenge: string;
  readonly proof: string;
  readonly client: OAuthClient | undefined;
}

/** What was wrong with the last try. */
export interface Fault {
  readonly field: "username" | "password";
  readonly text: string;
}

/** What the login page shows. */
interface LoginPage extends FormPage {
  readonly username: string;
  readonly remember: boolean;
  readonly fault?: Fault | undefined;
}

/** The login page. It begins where something is to be typed. */
export function loginPage({ challenge, proof, client, username, remember, fault }: LoginPage): Markup {
  const first = fault?.field ?? (username === "" ? "username" : "password");
  const state = (field: Fault["field"]): Markup =>
    html`${fault?.field === field ? html` aria-invalid="true" aria-describedby="login-error"` : ""}${first === field ? html` autofocus` : ""}`;
  return page(
    "Sign in",
    html`${heading("Sign in", client, "to go on to")}
${fault === undefined ? "" : html`<p class="alert" role="alert" id="login-error">${fault.text}</p>`}
<form method="post" action="/login">
<input type="hidden" name="challenge" value="${challenge}">
<input type="hidden" name="proof" value="${proof}">
<div class="field">
<label for="username">User name</label>
<input id="username" name="username" type="text" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="255" required${state("username")}>
</div>
<div class="field">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${state("password")}>
</div>
<div class="check"><input id="remember" name="remember" type="checkbox" value="1"${remember ? html` checked` : ""}><label for="remember">Keep me signed in on this device for 30 days</label></div>
<p class="note">This is a demo: any user name will do, with any password.</p>
<div class="buttons">
<button id="login-submit" class="primary" type="submit" name="action" value="login">Sign in</button>
<button id="login-cancel" class="quiet" type="submit" name="action" value="cancel" formnovalidate>Cancel</button>
</div>
</form>
${links(client)}`,
  );
}

/** Which account it is to be: of those that this browser knows, or another (OIDC Core §3.1.2.1, `select_account`). Whichever it is logs in. */
export function choosePage({ challenge, proof, client, accounts }: FormPage & { readonly accounts: readonly string[] }): Markup {
  return page(
    "Choose an account",
    html`${heading("Choose an account", client, "to go on to")}
<form method="get" action="/login">
<input type="hidden" name="login_challenge" value="${challenge}">
<div class="buttons accounts">
${accounts.map((name, i) => html`<button id="account-${i}" class="quiet" type="submit" name="account" value="${name}">${name}</button>`)}
<button id="account-other" class="quiet" type="submit" name="account" value="">Use another account</button>
</div>
</form>
<form method="post" action="/login">
<input type="hidden" name="challenge" value="${challenge}">
<input type="hidden" name="proof" value="${proof}">
<div class="buttons"><button id="login-cancel" class="quiet" type="submit" name="action" value="cancel">Cancel</button></div>
</form>
${links(client)}`,
  );
}

/** What the consent page shows. */
interface ConsentPage extends FormPage {
  readonly subject: string;
  readonly scopes: readonly string[];
  /** Names of claims that are asked for by themselves. */
  readonly claims: readonly string[];
  readonly audience: readonly string[];
  /** Where the person can be somebody else. */
  readonly otherAccount: string | undefined;
}

/** The consent page. */
export function consentPage({ challenge, proof, client, subject, scopes, claims, audience, otherAccount }: ConsentPage): Markup {
  const items = scopes.map((scope, i) => {
    const { title, text } = explainScope(scope);
    return html`<li><input id="scope-${i}" name="grant_scope" type="checkbox" value="${scope}" checked><label for="scope-${i}">${title}<span>${text}</span></label></li>`;
  });
  return page(
    "Allow access",
    html`${heading("Allow access", client, "for")}
<p>You are signed in as <strong id="subject">${subject}</strong>. <strong>${nameOf(client)}</strong> asks for your permission.</p>
${otherAccount === undefined ? "" : html`<p><a id="other-account" href="${otherAccount}">Use another account</a></p>`}
<form method="post" action="/consent">
<input type="hidden" name="challenge" value="${challenge}">
<input type="hidden" name="proof" value="${proof}">
${items.length === 0 && claims.length === 0 ? html`<p>It asks for no permission in particular.</p>` : html`<fieldset><legend>It would be able to</legend><ul class="scopes">${items}</ul></fieldset>`}
${claims.length === 0 ? "" : html`<p id="claims">It would be told: ${claims.map((each, i) => html`${i === 0 ? "" : ", "}<code>${each}</code>`)}</p>`}
${audience.length === 0 ? "" : html`<p>With these services: ${audience.map((each, i) => html`${i === 0 ? "" : ", "}<code>${each}</code>`)}</p>`}
<div class="check"><input id="remember" name="remember" type="checkbox" value="1"><label for="remember">Do not ask again for the same permissions</label></div>
<div class="buttons">
<button id="consent-allow" class="primary" type="submit" name="action" value="allow">Allow</button>
<button id="consent-deny" class="quiet" type="submit" name="action" value="deny">Deny</button>
</div>
</form>
${links(client)}`,
  );
}

/** The logout page. A client is known only where one asks that has shown an ID token. */
export function logoutPage({ challenge, proof, client, subject }: FormPage & { readonly subject: string }): Markup {
  return page(
    "Sign out",
    html`${client === undefined ? html`<h1>Sign out</h1>` : heading("Sign out", client, "asked by")}
<p>You are signed in as <strong id="subject">${subject}</strong>. Do you want to sign out, here and in the applications that you came from?</p>
<form method="post" action="/logout">
<input type="hidden" name="challenge" value="${challenge}">
<input type="hidden" name="proof" value="${proof}">
<div class="buttons">
<button id="logout-confirm" class="primary" type="submit" name="action" value="logout">Sign out</button>
<button id="logout-cancel" class="quiet" type="submit" name="action" value="cancel">Stay signed in</button>
</div>
</form>`,
  );
}

/** The person did not want to. */
export function stayedPage(): Markup {
  return page("You are still signed in", html`<h1>You are still signed in</h1><p>Nothing has changed. You can close this page, or go back to the application.</p>`);
}

/** What went wrong. */
export function failurePage({ title, text }: Failure): Markup {
  return page(title, html`<h1>${title}</h1><p>${text}</p>`);
}

/** The page of `urls.error`: an error that no client may be told. It quotes its query, so it is text and nothing else. */
export function errorPage(error: string, description: string): Markup {
  return page(
    "Something went wrong",
    html`<h1>Something went wrong</h1>
<p>The application that sent you here made a request that cannot be answered. Go back and try again; if it happens again, tell whoever runs the application.</p>
<dl><dt>Error</dt><dd><code id="error">${error}</code></dd><dt>Description</dt><dd id="error-description">${description}</dd></dl>`,
  );
}

/** Title, and whose it is about. */
export function heading(title: string, client: OAuthClient | undefined, link: string): Markup {
  const name = nameOf(client);
  const logo = safeUrl(client?.logoUri ?? "", ["https:"]);
  const mark =
    logo === undefined
      ? html`<div class="logo initial" aria-hidden="true">${[...name][0]?.toUpperCase() ?? "?"}</div>`
      : html`<img class="logo" src="${logo}" alt="" width="48" height="48">`;
  return html`<header>${mark}<div><h1>${title}</h1><p class="client">${link} <strong id="client-name">${name}</strong></p></div></header>`;
}

/** What a client is called. */
export function nameOf(client: OAuthClient | undefined): string {
  return client?.clientName || client?.clientId || "an application";
}

/** What the client has to say of itself. */
export function links(client: OAuthClient | undefined): Markup | "" {
  const known = [
    ["client-uri", "About the application", client?.clientUri],
    ["policy-uri", "Privacy policy", client?.policyUri],
    ["tos-uri", "Terms of service", client?.tosUri],
  ] as const;
  const shown = known.flatMap(([id, text, uri]) => {
    const safe = safeUrl(uri ?? "", ["https:", "http:"]);
    return safe === undefined ? [] : [html`<a id="${id}" href="${safe}" target="_blank" rel="noopener noreferrer">${text}</a>`];
  });
  return shown.length === 0 ? "" : html`<nav class="links" aria-label="About the application">${shown}</nav>`;
}

/** A link that may stand on a page: whoever registered the client wrote it, and `javascript:` is a link too. */
function safeUrl(text: string, protocols: readonly string[]): string | undefined {
  const url = URL.parse(text);
  return url !== null && protocols.includes(url.protocol) ? url.href : undefined;
}
