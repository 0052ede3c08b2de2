import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { createDevice, newCodes, poll } from "../harness/device.ts";
import { introspect } from "../harness/http.ts";
import { redeem } from "../harness/user-agent.ts";
import { answerOf, logIn, openContext, type Site, startSite, visit } from "./site.ts";

/** As soon as the page is there that a form leads to, or the client. */
const arrived = (page: Page, selector: string): Promise<unknown> => page.waitForSelector(selector);

describe("double clicks and the back button in Chromium", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  const site = (): Site => started ?? assert.fail("the site is not running");
  before(async () => {
    started = await startSite();
  });
  after(() => started?.close());

  /** No page that was shown is a dead end without words, or tells of our insides. */
  const assertForPeople = async (page: Page): Promise<void> => {
    assert.equal(await page.locator("h1").count(), 1, page.url());
    assert.doesNotMatch((await page.textContent("body")) ?? "", /\bat .*\.ts|Error:|undefined|\[object/);
  };

  for (const slow of [false, true])
    test(`a double click on each button of login and consent: the person comes to the client, which gets one code${slow ? "; also where answers take their time" : ""}`, async () => {
      const { context, problems } = await openContext(site());
      if (slow)
        await context.route(/\/(login|consent)$|verifier=/, async (route) => {
          await new Promise((resolve) => setTimeout(resolve, 150));
          await route.continue();
        });
      const rp = await site().newRp();
      const page = await visit(context, site().requestUrl(rp));
      await page.fill("#username", "alice");
      await page.fill("#password", "x");
      await page.check("#remember");
      await page.dblclick("#login-submit");
      await arrived(page, "#consent-allow");
      await page.dblclick("#consent-allow");
      await arrived(page, "#answer");
      const { code = "", error } = await answerOf(page);
      assert.equal(error, undefined);
      assert.equal((await redeem(site().writ, { ...rp, redirectUri: site().callbackUrl }, code)).status, 200);
      for (const [button, more] of [
        ["#login-cancel", { prompt: "login" }],
        ["#consent-deny", { prompt: "consent" }],
      ] as const) {
        await page.goto(site().requestUrl(rp, more));
        await page.dblclick(button);
        await arrived(page, "#answer");
        assert.equal((await answerOf(page)).error, "access_denied", button);
      }
      await page.goto(site().requestUrl(rp, { prompt: "select_account" }));
      await page.dblclick("#account-0");
      await arrived(page, "#login-submit");
      assert.equal(await page.inputValue("#username"), "alice");
      assert.deepEqual(problems, []);
      await context.close();
    });

  test("back from the consent page to the login page, and logged in as somebody else: the client hears of it, nobody got another's session, and the next try works", async () => {
    const { context, problems } = await openContext(site());
    const rp = await site().newRp();
    const page = await visit(context, site().requestUrl(rp));
    await logIn(page, "alice", true);
    await arrived(page, "#consent-allow");
    await page.goBack();
    await arrived(page, "#login-submit");
    await logIn(page, "bob", true);
    await arrived(page, "#answer");
    assert.equal((await answerOf(page)).error, "access_denied", "the first login has taken the request with it");
    await page.goBack();
    await arrived(page, "#login-submit");
    await page.goto(site().requestUrl(rp));
    await arrived(page, "#consent-allow");
    assert.equal(await page.textContent("#subject"), "alice");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("back from the client: to consent, to login, to the page that posts the answer: whatever is pressed there ends at the client, with at most an error", async () => {
    const { context, problems } = await openContext(site());
    const rp = await site().newRp();
    for (const mode of ["query", "form_post"]) {
      const page = await visit(context, site().requestUrl(rp, { response_mode: mode, prompt: "login" }));
      await logIn(page, "carol");
      await page.click("#consent-allow");
      await arrived(page, "#answer");
      const { code = "" } = await answerOf(page);
      await page.goBack();
      await arrived(page, "#consent-allow");
      await page.goBack();
      await arrived(page, "#login-submit");
      await logIn(page, "carol");
      await arrived(page, "#answer");
      assert.equal((await answerOf(page)).error, "access_denied", mode);
      assert.equal((await redeem(site().writ, { ...rp, redirectUri: site().callbackUrl }, code)).status, 200, "what the client got is good all the same");
      await page.close();
    }
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("RFC 8628 §3.3: double clicks and back on the device pages: a code that is used up is said to be, and a refused device stays refused", async () => {
    const { context, problems } = await openContext(site());
    const client = await createDevice(site().writ, { client_name: "TV", scope: "openid" });
    const codes = await newCodes(site().writ, client, { scope: "openid" });
    const page = await visit(context, codes.verification_uri_complete);
    await page.dblclick("#user-code-submit");
    await arrived(page, "#device-confirm");
    await page.goBack();
    await arrived(page, "#user-code-submit");
    await page.click("#user-code-submit");
    await page.dblclick("#device-confirm");
    await arrived(page, "#login-submit");
    await logIn(page, "dave");
    await page.click("#consent-allow");
    await arrived(page, "#device-success");
    await page.goBack();
    await arrived(page, "#consent-allow");
    await page.click("#consent-allow");
    await page.waitForSelector("#error");
    assert.match((await page.textContent("main")) ?? "", /start again/);
    await assertForPeople(page);
    await page.goto(codes.verification_uri_complete);
    await page.click("#user-code-submit");
    await page.waitForSelector("#user-code-error");
    assert.match((await page.textContent("#user-code-error")) ?? "", /No device waits/);
    await assertForPeople(page);
    const { body } = await poll(site().writ, client, codes.device_code);
    assert.equal((await introspect(site().writ, body.access_token)).sub, "dave");

    const second = await newCodes(site().writ, client, { scope: "openid" });
    await page.goto(second.verification_uri_complete);
    await page.click("#user-code-submit");
    await page.dblclick("#device-deny");
    await arrived(page, "#error");
    await page.goBack();
    await page.waitForSelector("#user-code-error");
    assert.match((await page.textContent("#user-code-error")) ?? "", /No device waits/);
    await assertForPeople(page);
    assert.equal((await poll(site().writ, client, second.device_code)).body.error, "access_denied");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("OIDC RP-Initiated Logout §2: double clicks and back on the logout page: signed out once, and said so", async () => {
    const { context, problems } = await openContext(site());
    const rp = await site().newRp();
    const page = await visit(context, site().requestUrl(rp));
    await logIn(page, "erin", true);
    await page.click("#consent-allow");
    await arrived(page, "#answer");
    await page.goto(`${site().issuer}/oauth2/sessions/logout`);
    await page.dblclick("#logout-cancel");
    await page.waitForURL(/logout\/stayed/);
    await page.goBack();
    await arrived(page, "#logout-confirm");
    await page.dblclick("#logout-confirm");
    await page.waitForURL(/logout\/callback/);
    await page.goBack();
    await arrived(page, "#logout-confirm");
    await page.dblclick("#logout-confirm");
    await page.waitForURL(/logout\/callback/);
    assert.match((await page.textContent("h1")) ?? "", /You are signed out/);
    await assertForPeople(page);
    await page.goto(site().requestUrl(rp, { prompt: "none" }));
    assert.equal((await answerOf(page)).error, "login_required");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("Writ's own pages: double clicks and back on its question who wants to log out; each of them has one heading and fits a small phone", async () => {
    const own = await startSite({ logoutApp: false });
    try {
      const { context, problems } = await openContext(own, { viewport: { width: 320, height: 640 } });
      const rp = await own.newRp();
      const page = await visit(context, own.requestUrl(rp));
      await logIn(page, "frida", true);
      await page.click("#consent-allow");
      await arrived(page, "#answer");
      await page.goto(`${own.issuer}/oauth2/sessions/logout`);
      await page.dblclick("#logout-cancel");
      await page.waitForURL(/logout\/rejected/);
      await page.goBack();
      await page.dblclick("#logout-confirm");
      await page.waitForURL(/logout\/callback/);
      await page.goBack();
      await arrived(page, "#logout-confirm");
      await page.click("#logout-confirm");
      await page.waitForURL(/logout\/callback/);
      for (const path of ["login", "consent", "device", "device/done", "logout", "logout/callback", "logout/rejected"]
        .map((each) => `oauth2/fallbacks/${each}`)
        .concat("nowhere", "oauth2/auth?client_id=x")) {
        await page.goto(`${own.issuer}/${path}`);
        await assertForPeople(page);
        assert.equal(await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"), false, path);
      }
      assert.deepEqual(problems, []);
      await context.close();
    } finally {
      await own.close();
    }
  });
});
