import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { decodeJwt } from "jose";
import type { BrowserContext, Page } from "playwright-core";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { callRegistration } from "../harness/registration.ts";
import { documentedConfig } from "../harness/suite.ts";
import { type Rp, redeem } from "../harness/user-agent.ts";
import { answerOf, type Site, startSite } from "./site.ts";

const SCOPES = "openid profile email address phone offline_access";

/** The scripts of docs/conformance.md in Chromium, with a client that has registered itself. */
describe("the page contract of the OpenID Foundation's suite in Chromium", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  const site = (): Site => started ?? assert.fail("the site is not running");
  before(async () => {
    const { oidc = {} } = documentedConfig();
    started = await startSite({ config: { oidc } });
  });
  after(() => started?.close());

  const register = async (more: object = {}): Promise<Rp> => {
    const { status, body, text } = await callRegistration(site().writ, "POST", "", { body: { client_name: "OIDF suite", redirect_uris: [site().callbackUrl], ...more } });
    assert.equal(status, 201, text);
    const request = (changes: Readonly<Record<string, string | undefined>> = {}): string => {
      const all = { client_id: body.client_id, response_type: "code", redirect_uri: site().callbackUrl, scope: SCOPES, state: "a state", nonce: "a nonce", ...changes };
      return `/oauth2/auth?${new URLSearchParams(Object.entries(all).filter((each): each is [string, string] => each[1] !== undefined))}`;
    };
    return { client: body, redirectUri: site().callbackUrl, request };
  };
  /** As the suite's browser does: what a page lacks is skipped, by its path. */
  const goOn = async (page: Page, shown: string[] = []): Promise<Readonly<Record<string, string>>> => {
    for (;;) {
      const { pathname } = new URL(page.url());
      if (pathname === "/cb") return answerOf(page);
      shown.push((await page.textContent("h1")) ?? "");
      await page.check("#remember");
      if (pathname === "/login") {
        await page.fill("#username", "buffy");
        await page.fill("#password", "x");
        await page.click("#login-submit");
      } else if (pathname === "/consent") await page.click("#consent-allow");
      else assert.fail(`a page that the script does not know: ${page.url()}`);
      await page.waitForURL((url) => url.pathname !== pathname);
    }
  };
  const visit = async (context: BrowserContext, path: string, shown: string[] = []): Promise<Readonly<Record<string, string>>> => {
    const page = await context.newPage();
    await page.goto(site().issuer + path);
    return goOn(page, shown);
  };

  test("conformance.md §5.2, §5.5: without scripts, on paths of their own; asked once, then not for prompt=none, max_age and id_token_hint; prompt=consent and prompt=login ask", async () => {
    const context = await site().browser.newContext({ javaScriptEnabled: false });
    const rp = await register();
    const shown: string[] = [];
    const { code = "" } = await visit(context, rp.request(), shown);
    assert.deepEqual(shown, ["Sign in", "Allow access"]);
    const { id_token: hint } = (await redeem(site().writ, rp, code)).body;
    for (const [changes, pages] of [
      [{ prompt: "none" }, []],
      [{ max_age: "10000" }, []],
      [{ prompt: "none", id_token_hint: hint }, []],
      [{ prompt: "consent" }, ["Allow access"]],
      [{ prompt: "login" }, ["Sign in"]],
    ] as const) {
      const again: string[] = [];
      assert.ok((await visit(context, rp.request(changes), again)).code, JSON.stringify(changes));
      assert.deepEqual(again, pages);
    }
    await context.close();
  });

  test("conformance.md §3.10, §5.4: the demo's people have every standard claim, whoever they are, in several sessions at once", async () => {
    const rp = await register();
    const told = await Promise.all(
      [1, 2, 3].map(async () => {
        const context = await site().browser.newContext();
        const { code = "" } = await visit(context, rp.request({ acr_values: "1 2", ui_locales: "se", claims_locales: "se", display: "popup", login_hint: "xander@op.example" }));
        const { body } = await redeem(site().writ, rp, code);
        assert.equal(decodeJwt(body.id_token).acr, "1");
        await context.close();
        return (await (await fetch(`${site().issuer}/userinfo`, { headers: { authorization: `Bearer ${body.access_token}` } })).json()) as Record<string, unknown>;
      }),
    );
    for (const claims of told) {
      assert.equal(claims.sub, "buffy");
      const names =
        "name given_name family_name middle_name nickname profile picture website gender birthdate zoneinfo locale updated_at preferred_username email email_verified address phone_number phone_number_verified";
      assert.deepEqual(
        names.split(" ").filter((name) => claims[name] === undefined),
        [],
      );
    }
  });

  test("conformance.md §5.2: login_hint stands in the field, in which the script types over it; logo and links are shown", async () => {
    const logo = "https://rp.example/images/openid.png";
    const rp = await register({ logo_uri: logo, policy_uri: "https://rp.example/login.html", tos_uri: "https://openid.net" });
    const context = await site().browser.newContext();
    const page = await context.newPage();
    const asked = new Promise<string>((resolve) => page.on("request", (request) => request.resourceType() === "image" && resolve(request.url())));
    await page.goto(site().issuer + rp.request({ login_hint: "xander@op.example" }));
    assert.equal(await page.inputValue("#username"), "xander@op.example");
    assert.equal(await asked, logo, "the policy of the page lets it be loaded");
    assert.deepEqual([await page.getAttribute("#policy-uri", "href"), await page.getAttribute("#tos-uri", "href")], ["https://rp.example/login.html", "https://openid.net/"]);
    const { code = "" } = await goOn(page);
    assert.equal(decodeJwt((await redeem(site().writ, rp, code)).body.id_token).sub, "buffy");
    await context.close();
  });

  test("conformance.md §5.3: each page that a picture is wanted of says which it is, and what is wrong", async () => {
    const bye = `${site().callbackUrl}/bye`;
    const [rp, two] = [await register({ post_logout_redirect_uris: [bye] }), await register({ redirect_uris: [site().callbackUrl, "https://example.org/redirect"] })];
    const context = await site().browser.newContext();
    const { code = "" } = await visit(context, rp.request());
    const { id_token: hint } = (await redeem(site().writ, rp, code)).body;
    const logout = (parameters: Readonly<Record<string, string>>) => `/oauth2/sessions/logout?${new URLSearchParams(parameters)}`;
    for (const [path, named] of [
      [rp.request({ redirect_uri: `${site().callbackUrl}/other` }), /redirect_uri/],
      [rp.request({ redirect_uri: `${site().callbackUrl}?foo=bar` }), /redirect_uri/],
      [two.request({ redirect_uri: undefined }), /redirect_uri/],
      [logout({ id_token_hint: hint, post_logout_redirect_uri: `${bye}?foo=bar` }), /post_logout_redirect_uri/],
      [logout({ id_token_hint: `${hint}x`, post_logout_redirect_uri: bye }), /id_token_hint/],
      [logout({ post_logout_redirect_uri: bye }), /id_token_hint|client_id/],
    ] as const) {
      const page = await context.newPage();
      const response = await page.goto(site().issuer + path);
      assert.deepEqual([response?.status(), page.url(), await page.textContent("h1")], [400, site().issuer + path, "This request cannot go on"]);
      assert.match((await page.textContent("#error-description")) ?? "", named);
    }
    for (const [path, phrase] of [
      [rp.request({ prompt: "login" }), "Sign in"],
      [rp.request({ max_age: "0" }), "Sign in"],
    ] as const) {
      const page = await context.newPage();
      await page.goto(site().issuer + path);
      assert.equal(await page.textContent("h1"), phrase);
    }
    const page = await context.newPage();
    await page.goto(site().issuer + logout({ state: "x" }));
    assert.deepEqual([await page.textContent("h1"), new URL(page.url()).pathname], ["Sign out", "/logout"]);
    await page.click("#logout-confirm");
    await page.waitForURL((url) => url.pathname !== "/logout");
    assert.equal(await page.textContent("h1"), "You are signed out");
    await context.close();
  });
});
