import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ConsentRequest, LoginRequest, WritClient } from "#sdk/index.ts";
import { makeAccounts, otherAccountUrl, wantsChoice } from "./accounts.ts";
import { addDevicePages } from "./device.ts";
import { NO_CHALLENGE, toFailure, UNPROVED } from "./failure.ts";
import { makeFormGuard } from "./form-guard.ts";
import { choosePage, consentPage, errorPage, type Fault, failurePage, loginPage, logoutPage, type Markup, stayedPage } from "./pages.ts";
import { claimsOf, namesIn } from "./scopes.ts";
import { STYLE } from "./style.ts";
import { text } from "./text.ts";

/** What the app is made of. */
export interface LoginAppOptions {
  readonly writ: Pick<WritClient, "logins" | "consents" | "logouts" | "devices">;
  /** Browsers reach it by https. */
  readonly secure: boolean;
  /** Told of what nobody foresaw. */
  readonly onError: (error: unknown) => void;
}

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; style-src 'self'; img-src https: data:; frame-ancestors 'none'; base-uri 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin", // not no-referrer: browsers then send forms with the origin `null`
  "cache-control": "no-store",
};

const REMEMBER_LOGIN = 30 * 24 * 3600;
const MAX_FORM = 64 * 1024;

/** The login, consent and logout app: the pages between Writ and the people. */
export function makeLoginApp({ writ, secure, onError }: LoginAppOptions): Hono {
  const guard = makeFormGuard(secure);
  const accounts = makeAccounts(secure);
  const app = new Hono();

  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(HEADERS)) if (!context.res.headers.has(name)) context.res.headers.set(name, value);
  });
  app.use(bodyLimit({ maxSize: MAX_FORM, onError: (context) => context.html(failurePage(NO_CHALLENGE), 413) }));
  // A form of another site is refused before anything of it is read.
  app.post("*", async (context, next) => (isFromHere(context) ? next() : context.html(failurePage(UNPROVED), 403)));
  app.onError((error, context) => {
    const failure = toFailure(error);
    if (failure.status === 500) onError(error);
    return context.html(failurePage(failure), failure.status);
  });
  app.notFound((context) => context.html(failurePage({ ...NO_CHALLENGE, status: 404 }), 404));

  app.get("/style.css", (context) => context.body(STYLE, 200, { "content-type": "text/css;charset=UTF-8", "cache-control": "public, max-age=300" }));
  app.get("/", (context) => context.html(failurePage(NO_CHALLENGE), 404));
  app.get("/error", (context) => context.html(errorPage(text(context.req.query("error")), text(context.req.query("error_description"))), 400));

  const showLogin = (
    context: Context,
    login: LoginRequest,
    more: { readonly username: string; readonly remember: boolean; readonly fault?: Fault | undefined },
  ): Promise<Markup> | Markup => loginPage({ challenge: login.challenge, proof: guard.proofFor(context, login.challenge), client: login.client, ...more });

  app.get("/login", async (context) => {
    const challenge = context.req.query("login_challenge") ?? "";
    if (challenge === "") return context.html(failurePage(NO_CHALLENGE), 400);
    const login = await getLogin(challenge);
    // The browser is known: nothing is asked, and the subject stays who it is.
    if (login.skip) return context.redirect((await writ.logins.acceptLogin({ loginChallenge: challenge, accept: { subject: login.subject } })).redirectTo);
    const known = accounts.list(context);
    const chosen = context.req.query("account");
    if (chosen === undefined && known.length > 0 && wantsChoice(login.requestUrl))
      return context.html(choosePage({ challenge, proof: guard.proofFor(context, challenge), client: login.client, accounts: known }));
    return context.html(await showLogin(context, login, { username: text(chosen) || (login.oidcContext?.loginHint ?? ""), remember: false }));
  });

  app.post("/login", async (context) => {
    const proved = await guard.readForm(context);
    if (proved === undefined) return context.html(failurePage(UNPROVED), 403);
    const { challenge, form } = proved;
    if (form.get("action") === "cancel") {
      const { redirectTo } = await writ.logins.rejectLogin({
        loginChallenge: challenge,
        reject: { error: "access_denied", errorDescription: "The resource owner did not sign in" },
      });
      return context.redirect(redirectTo, 303);
    }
    const username = text(form.get("username")).trim();
    const remember = form.get("remember") === "1";
    const fault = findFault(username, text(form.get("password")));
    if (fault !== undefined) return context.html(await showLogin(context, await getLogin(challenge), { username, remember, fault }), 400);
    // The demo's people have any way of logging in that a client wants, the first of those it names (OIDC Core §3.1.2.1). Yours say what it was.
    const acr = (await getLogin(challenge)).oidcContext?.acrValues[0] ?? "";
    const { redirectTo } = await writ.logins.acceptLogin({
      loginChallenge: challenge,
      accept: { subject: username, remember, rememberFor: remember ? REMEMBER_LOGIN : 0, amr: ["pwd"], acr },
    });
    if (remember) accounts.add(context, username, REMEMBER_LOGIN);
    return context.redirect(redirectTo, 303);
  });

  app.get("/consent", async (context) => {
    const challenge = context.req.query("consent_challenge") ?? "";
    if (challenge === "") return context.html(failurePage(NO_CHALLENGE), 400);
    const consent = await getConsent(challenge);
    const { requestedScope: scopes, requestedAccessTokenAudience: audience, client, subject, requestUrl } = consent;
    // Agreed to before, or a client of the operator's own: nothing is asked.
    if (consent.skip || client?.skipConsent) return context.redirect(await allow(consent, scopes, false));
    const shown = { client, subject, scopes, claims: namesIn(consent.oidcContext?.claims), audience, otherAccount: otherAccountUrl(requestUrl) };
    return context.html(consentPage({ challenge, proof: guard.proofFor(context, challenge), ...shown }));
  });

  app.post("/consent", async (context) => {
    const proved = await guard.readForm(context);
    if (proved === undefined) return context.html(failurePage(UNPROVED), 403);
    const { challenge, form } = proved;
    if (form.get("action") !== "allow") {
      const { redirectTo } = await writ.consents.rejectConsent({
        consentChallenge: challenge,
        reject: { error: "access_denied", errorDescription: "The resource owner denied the request" },
      });
      return context.redirect(redirectTo, 303);
    }
    const consent = await getConsent(challenge);
    const chosen = form.getAll("grant_scope");
    const granted = consent.requestedScope.filter((scope) => chosen.includes(scope)); // nothing that was not asked for
    return context.redirect(await allow(consent, granted, form.get("remember") === "1"), 303);
  });

  app.get("/logout", async (context) => {
    const challenge = context.req.query("logout_challenge") ?? "";
    if (challenge === "") return context.html(failurePage(NO_CHALLENGE), 400);
    const { logout } = await writ.logouts.getLogout({ logoutChallenge: challenge });
    // A client of the operator's own that has shown an ID token of this very session: nothing is asked.
    if (logout?.client?.skipLogoutConsent === true) return context.redirect((await writ.logouts.acceptLogout({ logoutChallenge: challenge })).redirectTo);
    return context.html(logoutPage({ challenge, proof: guard.proofFor(context, challenge), client: logout?.client, subject: logout?.subject ?? "" }));
  });

  app.post("/logout", async (context) => {
    const proved = await guard.readForm(context);
    if (proved === undefined) return context.html(failurePage(UNPROVED), 403);
    const { challenge, form } = proved;
    if (form.get("action") === "logout") return context.redirect((await writ.logouts.acceptLogout({ logoutChallenge: challenge })).redirectTo, 303);
    await writ.logouts.rejectLogout({ logoutChallenge: challenge });
    return context.redirect("/logout/stayed", 303);
  });
  app.get("/logout/stayed", (context) => context.html(stayedPage()));
  addDevicePages(app, { writ, guard });

  async function getLogin(loginChallenge: string): Promise<LoginRequest> {
    const { login } = await writ.logins.getLogin({ loginChallenge });
    if (login === undefined) throw new Error("a login request without its content");
    return login;
  }

  async function getConsent(consentChallenge: string): Promise<ConsentRequest> {
    const { consent } = await writ.consents.getConsent({ consentChallenge });
    if (consent === undefined) throw new Error("a consent request without its content");
    return consent;
  }

  async function allow({ challenge, subject, requestedAccessTokenAudience, oidcContext }: ConsentRequest, grantScope: string[], remember: boolean): Promise<string> {
    const session = { idToken: claimsOf(subject, grantScope, namesIn(oidcContext?.claims)) };
    const accept = { grantScope, grantAccessTokenAudience: requestedAccessTokenAudience, remember, session };
    return (await writ.consents.acceptConsent({ consentChallenge: challenge, accept })).redirectTo;
  }

  return app;
}

/** What is wrong with what was typed, if something is. */
function findFault(username: string, password: string): Fault | undefined {
  if (username === "") return { field: "username", text: "Enter a user name." };
  if (Buffer.byteLength(username) > 255) return { field: "username", text: "That user name is too long." };
  return password === "" ? { field: "password", text: "Enter a password." } : undefined;
}

/** What browsers say of where a form comes from (Fetch §3.2, Fetch Metadata §2). One that says nothing has the form's proof to bring. */
function isFromHere({ req }: Context): boolean {
  const origin = req.header("origin");
  const site = req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin") return false;
  return origin === undefined || URL.parse(origin)?.host === req.header("host");
}
