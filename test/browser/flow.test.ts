import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { redeem } from "../harness/user-agent.ts";
import { answerOf, logIn, openContext as openContextOf, type Site, startSite, visit } from "./site.ts";

describe("the browser flow in Chromium", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  const site = (): Site => started ?? assert.fail("the site is not running");
  before(async () => {
    started = await startSite();
  });
  after(() => started?.close());

  const openContext = (options: Parameters<Site["browser"]["newContext"]>[0] = {}) => openContextOf(site(), options, { refuses: false });

  test("conformance.md §5.2: log in, consent, back at the client with a code that buys tokens; nothing is blocked, with scripts and without", async () => {
    for (const javaScriptEnabled of [true, false]) {
      const { context, problems } = await openContext({ javaScriptEnabled, viewport: { width: 390, height: 844 } });
      const rp = await site().newRp();
      const page = await visit(context, site().requestUrl(rp));
      assert.match(await page.title(), /Sign in/);
      await logIn(page, "alice");
      await page.waitForSelector("#consent-allow");
      assert.equal(await page.textContent("#subject"), "alice");
      const overflow = await page
        .locator("main")
        .evaluate((main) => main.scrollWidth > main.clientWidth)
        .catch(() => false);
      assert.equal(overflow, false, "fits a phone");
      await page.click("#consent-allow");
      await page.waitForSelector("#answer");
      const { code = "", iss } = await answerOf(page);
      assert.equal(iss, site().issuer);
      const { status, body } = await redeem(site().writ, { ...rp, redirectUri: site().callbackUrl }, code);
      assert.deepEqual([status, typeof body.id_token], [200, "string"], JSON.stringify(body));
      assert.deepEqual(problems, []);
      await context.close();
    }
  });

  test("by keyboard alone: tab, type, Enter", async () => {
    const { context } = await openContext();
    const page = await visit(context, site().requestUrl(await site().newRp()));
    await page.focus("#username");
    await page.keyboard.type("bob");
    await page.keyboard.press("Tab");
    await page.keyboard.type("secret");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#consent-allow");
    await page.focus("#consent-allow");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#answer");
    assert.ok((await answerOf(page)).code);
    await context.close();
  });

  test("RFC 6749 §4.1.2.1: cancel and deny bring the person back to the client with access_denied", async () => {
    const { context } = await openContext();
    const rp = await site().newRp();
    const cancelled = await visit(context, site().requestUrl(rp));
    await cancelled.click("#login-cancel");
    await cancelled.waitForSelector("#answer");
    assert.equal((await answerOf(cancelled)).error, "access_denied");
    const denied = await visit(context, site().requestUrl(rp));
    await logIn(denied, "alice");
    await denied.click("#consent-deny");
    await denied.waitForSelector("#answer");
    assert.equal((await answerOf(denied)).error, "access_denied");
    await context.close();
  });

  test("hydra.md §7.2, §7.4: a browser that is remembered, and a consent too, come back with no question; for prompt=none as well", async () => {
    const { context } = await openContext();
    const rp = await site().newRp();
    const first = await visit(context, site().requestUrl(rp));
    await logIn(first, "carol", true);
    await first.check("#remember");
    await first.click("#consent-allow");
    await first.waitForSelector("#answer");
    for (const more of [{}, { prompt: "none" }]) {
      const again = await visit(context, site().requestUrl(rp, more));
      assert.ok((await answerOf(again)).code, "no page came between");
    }
    const asked = await visit(context, site().requestUrl(rp, { prompt: "login" }));
    assert.match(await asked.title(), /Sign in/);
    await context.close();
  });

  test("DESIGN §3: two tabs that are opened at once from an empty cookie jar both come to their end", async () => {
    const { context } = await openContext();
    const rp = await site().newRp();
    const pages = await Promise.all([visit(context, site().requestUrl(rp, { state: "the first tab" })), visit(context, site().requestUrl(rp, { state: "the second tab" }))]);
    for (const page of pages) await logIn(page, "dave");
    for (const page of pages) await page.click("#consent-allow");
    for (const [i, page] of pages.entries()) {
      await page.waitForSelector("#answer");
      const { code, state } = await answerOf(page);
      assert.deepEqual([typeof code, state], ["string", ["the first tab", "the second tab"][i]]);
    }
    await context.close();
  });

  test("DESIGN §3: the back button after the end, and a reload of the consent page, come to an error at the client or to the same page, never to a second code", async () => {
    const { context } = await openContext();
    const page = await visit(context, site().requestUrl(await site().newRp()));
    await logIn(page, "erin");
    await page.waitForSelector("#consent-allow");
    await page.reload();
    await page.click("#consent-allow");
    await page.waitForSelector("#answer");
    assert.ok((await answerOf(page)).code);
    await page.goBack();
    await page.waitForSelector("#consent-allow");
    await page.click("#consent-allow");
    await page.waitForSelector("#answer");
    assert.equal((await answerOf(page)).error, "access_denied");
    await context.close();
  });

  test("Form Post Response Mode §2: the answer is posted by itself; without scripts by its button", async () => {
    for (const javaScriptEnabled of [true, false]) {
      const { context, problems } = await openContext({ javaScriptEnabled });
      const page = await visit(context, site().requestUrl(await site().newRp(), { response_mode: "form_post" }));
      await logIn(page, "frank");
      await page.click("#consent-allow");
      if (!javaScriptEnabled) await page.click("#continue");
      await page.waitForSelector("#answer");
      const { code, method } = await answerOf(page);
      assert.deepEqual([typeof code, method], ["string", "POST"]);
      assert.deepEqual(problems, []);
      await context.close();
    }
  });

  test("RFC 6749 §3.1: a request that another site posts reaches the remembered session", async () => {
    const { context } = await openContext();
    const rp = await site().newRp();
    const first = await visit(context, site().requestUrl(rp));
    await logIn(first, "grace", true);
    await first.check("#remember");
    await first.click("#consent-allow");
    await first.waitForSelector("#answer");
    const fields = [...new URL(site().requestUrl(rp)).searchParams].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join("");
    await first.setContent(`<form method="post" action="${site().issuer}/oauth2/auth">${fields}<button id="go">go</button></form>`);
    await first.click("#go");
    await first.waitForSelector("#answer");
    assert.ok((await answerOf(first)).code);
    await context.close();
  });

  test("RFC 6749 §4.1.2.1: an error that no client may be told is a page at the endpoint itself", async () => {
    const { context } = await openContext();
    const page = await context.newPage();
    const response = await page.goto(`${site().issuer}/oauth2/auth?client_id=nobody`);
    assert.equal(response?.status(), 400);
    assert.equal(await page.textContent("#error"), "invalid_client");
    assert.equal(await page.textContent("h1"), "This request cannot go on");
    await context.close();
  });

  test("DESIGN §3: on http cookies say so in their names, are for this host, not for scripts, and not for other sites' requests", async () => {
    const { context } = await openContext();
    const page = await visit(context, site().requestUrl(await site().newRp()));
    await logIn(page, "heidi", true);
    const cookies = (await context.cookies()).filter(({ name }) => name.startsWith("writ_browser") || name.startsWith("writ_session"));
    assert.deepEqual(cookies.map(({ name }) => name.replace(/_[0-9a-f]{12}$/, "_*")).toSorted(), ["writ_browser_dev", "writ_browser_dev_*", "writ_session_dev"]);
    for (const { httpOnly, sameSite, secure, path } of cookies) assert.deepEqual([httpOnly, sameSite, secure, path], [true, "Lax", false, "/"]);
    await context.close();
  });
});

describe("the browser flow over https", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  const site = (): Site => started ?? assert.fail("the site is not running");
  before(async () => {
    started = await startSite({ https: true });
  });
  after(() => started?.close());

  test("RFC 6265bis §4.1.3: cookies are __Host-, Secure and HttpOnly, and the flow comes to its end with them", async () => {
    const context = await site().browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(site().requestUrl(await site().newRp()));
    await logIn(page, "ivan", true);
    await page.waitForSelector("#consent-allow");
    const cookies = (await context.cookies()).filter(({ name }) => name.startsWith("__Host-writ_browser") || name.startsWith("__Host-writ_session"));
    assert.deepEqual(cookies.map(({ name }) => name.replace(/_[0-9a-f]{12}$/, "_*")).toSorted(), ["__Host-writ_browser", "__Host-writ_browser_*", "__Host-writ_session"]);
    for (const { httpOnly, sameSite, secure, path } of cookies) assert.deepEqual([httpOnly, sameSite, secure, path], [true, "Lax", true, "/"]);
    await page.click("#consent-allow");
    await page.waitForSelector("#answer");
    assert.ok((await answerOf(page)).code);
    await context.close();
  });
});
