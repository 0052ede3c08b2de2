import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { BrowserContext, Page } from "playwright-core";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { sendJson } from "../harness/http.ts";
import { claimsOf as claimsIn } from "../harness/jwt.ts";
import { type Rp, redeem } from "../harness/user-agent.ts";
import { answerOf, logIn, openContext, type Site, startSite, visit } from "./site.ts";

describe("prompts, accounts and response modes in Chromium", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  const site = (): Site => started ?? assert.fail("the site is not running");
  before(async () => {
    started = await startSite();
  });
  after(() => started?.close());

  /** Where a page is: a page of the demo app, or the client's. */
  const placeOf = async (page: Page): Promise<string> => {
    await page.waitForSelector("#login-submit, #account-0, #consent-allow, #answer");
    if ((await page.locator("#answer").count()) === 0) return page.title();
    const { code, error } = await answerOf(page);
    return code === undefined ? (error ?? "nothing") : "code";
  };
  /** A browser in which somebody is remembered, and a consent of theirs. */
  const remembered = async (context: BrowserContext, rp: Rp, username: string, more: Readonly<Record<string, string>> = {}): Promise<void> => {
    const page = await visit(context, site().requestUrl(rp, more));
    if ((await placeOf(page)) === "Choose an account") await page.click("#account-other");
    await logIn(page, username, true);
    await page.check("#remember");
    await page.click("#consent-allow");
    await page.waitForSelector("#answer");
    await page.close();
  };
  const claimsOf = async (rp: Rp, page: Page) => {
    const { code = "" } = await answerOf(page);
    const { body } = await redeem(site().writ, { ...rp, redirectUri: site().callbackUrl }, code);
    return claimsIn(body.id_token);
  };

  test("OIDC Core §3.1.2.1: which pages a remembered person sees, by prompt and max_age; auth_time is of a login that was asked for", async () => {
    const { context, problems } = await openContext(site());
    const rp = await site().newRp();
    await remembered(context, rp, "alice");
    const loggedInAt = Math.floor(Date.now() / 1000);
    await new Promise((resolve) => setTimeout(resolve, 2100));
    const page = await context.newPage();
    for (const [more, ...places] of [
      [{}, "code"],
      [{ prompt: "none" }, "code"],
      [{ prompt: "none", max_age: "100000" }, "code"],
      [{ prompt: "none", max_age: "1" }, "login_required"],
      [{ prompt: "none login" }, "invalid_request"],
      [{ prompt: "consent" }, "Allow access", "code"],
      [{ max_age: "100000" }, "code"],
      [{ max_age: "100000", prompt: "consent" }, "Allow access", "code"],
      [{ max_age: "1" }, "Sign in", "code"],
      [{ prompt: "login" }, "Sign in", "code"],
      [{ prompt: "login consent" }, "Sign in", "Allow access", "code"],
      [{ prompt: "select_account" }, "Choose an account", "Sign in", "code"],
      [{ prompt: "consent select_account" }, "Choose an account", "Sign in", "Allow access", "code"],
    ] as const) {
      await page.goto(site().requestUrl(rp, more));
      const seen: string[] = [];
      for (let place = await placeOf(page); ; place = await placeOf(page)) {
        seen.push(place);
        if (place === "Choose an account") await page.click("#account-0");
        else if (place === "Sign in") await logIn(page, "alice", true);
        else if (place === "Allow access") await page.click("#consent-allow");
        else break;
      }
      assert.deepEqual(seen, places, JSON.stringify(more));
      if ("max_age" in more && seen.at(-1) === "code") {
        const { auth_time: at } = await claimsOf(rp, page);
        if (more.max_age === "1") assert.ok(at > loggedInAt, "a login of its own");
        else assert.ok(at <= loggedInAt, "the login that was remembered");
      }
    }
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("OIDC Core §3.1.2.1: two accounts in one browser: select_account offers both and any other; whichever it is logs in, and is who the client hears of", async () => {
    const { context, problems } = await openContext(site(), { javaScriptEnabled: false });
    const rp = await site().newRp();
    await remembered(context, rp, "alice");
    await remembered(context, rp, "bob <b>&", { prompt: "select_account" });
    const page = await context.newPage();
    for (const [pick, username] of [
      ["#account-1", "alice"],
      ["#account-1", "bob <b>&"],
      ["#account-other", "carol"],
    ] as const) {
      await page.goto(site().requestUrl(rp, { prompt: "select_account" }));
      assert.equal(await placeOf(page), "Choose an account");
      assert.ok((await page.locator("button[name=account]").count()) >= 3);
      await page.click(pick);
      if (username === "carol") assert.equal(await page.inputValue("#username"), "");
      else assert.equal(await page.inputValue("#username"), username);
      assert.equal(await page.inputValue("#password"), "", "a name in a list is no login");
      await logIn(page, username, true);
      if ((await placeOf(page)) === "Allow access") await page.click("#consent-allow");
      await page.waitForSelector("#answer");
      assert.equal((await claimsOf(rp, page)).sub, username);
      await page.goto(site().requestUrl(rp, { prompt: "none" }));
      assert.equal(await placeOf(page), username === "carol" ? "consent_required" : "code", "the session is theirs from now on");
    }
    await page.goto(site().requestUrl(rp, { prompt: "select_account" }));
    await page.click("#login-cancel");
    await page.waitForSelector("#answer");
    assert.equal(await placeOf(page), "access_denied");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("who has come to the consent page as somebody else takes another account from there; the client's state comes back", async () => {
    const { context, problems } = await openContext(site());
    const rp = await site().newRp();
    await remembered(context, rp, "alice");
    const page = await visit(context, site().requestUrl(rp, { prompt: "consent", state: "the state", nonce: "the-nonce" }));
    assert.equal(await page.textContent("#subject"), "alice");
    await page.click("#other-account");
    assert.equal(await placeOf(page), "Choose an account");
    await page.goBack();
    assert.equal(await page.textContent("#subject"), "alice", "nothing was given up by that");
    await page.goForward();
    await page.click("#account-other");
    await logIn(page, "dora");
    assert.equal(await placeOf(page), "Allow access");
    assert.equal(await page.textContent("#subject"), "dora");
    await page.click("#consent-allow");
    await page.waitForSelector("#answer");
    assert.equal((await answerOf(page)).state, "the state");
    const { sub, nonce } = await claimsOf(rp, page);
    assert.deepEqual([sub, nonce], ["dora", "the-nonce"]);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("a list of accounts that somebody else wrote, or that grew long, does no harm", async () => {
    const { context, problems } = await openContext(site());
    const rp = await site().newRp();
    const written = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const page = await context.newPage();
    for (const [value, offered] of [
      ["%%%", 0],
      [written({ a: 1 }), 0],
      [written([1, null, ["x"], ""]), 0],
      [written(["<script>alert(1)</script>", "eve"]), 2],
      [written(Array.from({ length: 200 }, (_, i) => `n${i}`)), 5],
    ] as const) {
      await context.addCookies([{ name: "writ_demo_accounts", value, domain: "localhost", path: "/" }]);
      await page.goto(site().requestUrl(rp, { prompt: "select_account" }));
      assert.equal(await placeOf(page), offered === 0 ? "Sign in" : "Choose an account");
      assert.equal(await page.locator("button[name=account]").count(), offered === 0 ? 0 : offered + 1);
      assert.equal(await page.locator("script").count(), 0);
    }
    for (let i = 0; i < 6; i++) {
      await page.goto(site().requestUrl(rp, { prompt: "login" }));
      await logIn(page, `${i}${"ü".repeat(126)}`, true);
      await page.waitForSelector("#consent-allow");
    }
    await page.goto(site().requestUrl(rp, { prompt: "select_account" }));
    assert.match((await page.textContent("#account-0")) ?? "", /^5ü/);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("OIDC Core §4: a client whose initiate_login_uri another site opens asks with the login_hint that it got; the login page has it filled in", async () => {
    const { context, problems } = await openContext(site());
    const start = "https://album.example/start";
    const rp = await site().newRp({ initiate_login_uri: start });
    const registered = await sendJson(site().writ, "GET", `/admin/clients/${rp.client.client_id}`);
    assert.equal(registered.body.initiate_login_uri, start);
    // The client, at the URI that it registered: it knows one issuer, and begins there with a state of its own.
    await context.route(`${start}?*`, (route) => {
      const { searchParams } = new URL(route.request().url());
      const url = site().requestUrl(rp, { login_hint: searchParams.get("login_hint") ?? "", state: "begun by itself" });
      const body = searchParams.get("iss") === site().issuer ? `<script>location.assign(${JSON.stringify(url)})</script>` : "<h1>Who is that?</h1>";
      return route.fulfill({ status: 200, contentType: "text/html", body });
    });
    const page = await visit(context, site().callbackUrl);
    await page.setContent(`<a id="go" href="${start}?${new URLSearchParams({ iss: site().issuer, login_hint: "frida@example" })}">Open the album</a>`);
    await page.click("#go");
    assert.equal(await placeOf(page), "Sign in");
    assert.equal(await page.inputValue("#username"), "frida@example");
    assert.equal(await page.evaluate("document.activeElement.id"), "password");
    await page.keyboard.type("secret");
    await page.keyboard.press("Enter");
    await page.click("#consent-allow");
    await page.waitForSelector("#answer");
    assert.equal((await answerOf(page)).state, "begun by itself");
    assert.equal((await claimsOf(rp, page)).sub, "frida@example");
    await page.goto(`${start}?${new URLSearchParams({ iss: "https://evil.example", login_hint: "x" })}`);
    assert.equal(await page.textContent("h1"), "Who is that?");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("OAuth 2.0 Multiple Response Types §2.1, Form Post §2: codes and errors come by query, fragment and form_post, as was asked", async () => {
    const { context, problems } = await openContext(site());
    const rp = await site().newRp();
    await remembered(context, rp, "gina");
    const page = await context.newPage();
    for (const mode of ["query", "fragment", "form_post"])
      for (const [more, outcome] of [
        [{ prompt: "none" }, "code"],
        [{ prompt: "none", max_age: "0" }, "login_required"],
        [{ prompt: "consent" }, "access_denied"],
        [{ scope: "openid unknown" }, "invalid_scope"],
      ] as const) {
        await page.goto(site().requestUrl(rp, { response_mode: mode, ...more }));
        if (outcome === "access_denied") await page.click("#consent-deny");
        await page.waitForURL((url) => url.href.startsWith(site().callbackUrl));
        const { state, iss, method } = await answerOf(page);
        assert.deepEqual([await placeOf(page), state, iss, method], [outcome, "a state that comes back", site().issuer, mode === "form_post" ? "POST" : "GET"], mode);
        const { search, hash } = new URL(page.url());
        assert.deepEqual([search !== "", hash !== ""], [mode === "query", mode === "fragment"], `${mode} ${outcome}`);
        await page.goto("about:blank");
      }
    assert.deepEqual(problems, []);
    await context.close();
  });
});
