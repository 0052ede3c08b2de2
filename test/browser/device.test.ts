import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { createDevice, newCodes, poll } from "../harness/device.ts";
import { introspect } from "../harness/http.ts";
import { logIn, openContext as openContextOf, type Site, startSite } from "./site.ts";

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };

describe("the device flow in Chromium", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  const site = (): Site => started ?? assert.fail("the site is not running");
  before(async () => {
    started = await startSite();
  });
  after(() => started?.close());

  const openContext = (options: Parameters<Site["browser"]["newContext"]>[0] = {}) => openContextOf(site(), options);
  const newDevice = async () => {
    const client = await createDevice(site().writ, { client_name: "Living room TV", scope: "openid offline_access profile" });
    return { client, ...(await newCodes(site().writ, client, { scope: "openid offline_access profile" })) };
  };
  /** Looks at a page: nothing overflows, every field has its label. Keeps a picture where somebody wants to see it. */
  const look = async (page: Page, name: string): Promise<void> => {
    const wide = await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth");
    assert.equal(wide, false, name);
    const unlabelled = await page.evaluate("[...document.querySelectorAll('input:not([type=hidden])')].filter((each) => each.labels.length === 0).length");
    assert.equal(unlabelled, 0, name);
    assert.equal(await page.locator("h1").count(), 1, name);
    const folder = process.env.WRIT_SCREENSHOTS;
    if (folder === undefined || folder === "") return;
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  };
  const connect = async (page: Page, kind: string): Promise<void> => {
    await page.click("#user-code-submit");
    await page.waitForSelector("#device-confirm");
    await look(page, `${kind}-2-confirm`);
    await page.click("#device-confirm");
  };

  for (const [kind, options] of [
    ["phone", { viewport: PHONE, javaScriptEnabled: false }],
    ["desktop", { viewport: DESKTOP }],
    ["phone-dark", { viewport: PHONE, colorScheme: "dark" as const }],
  ] as const)
    test(`RFC 8628 §3.3: enter the code, confirm the device, log in, consent; the device gets its tokens; nothing is blocked [${kind}]`, async () => {
      const { context, problems } = await openContext(options);
      const { client, device_code: code, user_code: userCode, verification_uri: uri } = await newDevice();
      const page = await context.newPage();
      await page.goto(uri);
      assert.equal(await page.title(), "Connect a device");
      await page.fill("#user-code", "wrong-code");
      await page.click("#user-code-submit");
      assert.match((await page.textContent("[role=alert]")) ?? "", /No device waits/);
      assert.equal(await page.getAttribute("#user-code", "aria-invalid"), "true");
      await look(page, `${kind}-1-enter`);
      await page.fill("#user-code", userCode.toLowerCase().replace("-", " "));
      await connect(page, kind);
      await logIn(page, "alice");
      await page.waitForSelector("#consent-allow");
      assert.equal(await page.textContent("#client-name"), "Living room TV");
      await look(page, `${kind}-3-consent`);
      await page.click("#consent-allow");
      await page.waitForSelector("#device-success");
      await look(page, `${kind}-4-success`);
      const { body } = await poll(site().writ, client, code);
      assert.equal((await introspect(site().writ, body.access_token)).sub, "alice");
      assert.deepEqual(problems, []);
      await context.close();
    });

  test("RFC 8628 §3.3.1, §5.4: verification_uri_complete fills the code in and asks all the same; 'Not my device' refuses it at once", async () => {
    const { context, problems } = await openContext({ viewport: PHONE });
    const { client, device_code: code, user_code: userCode, verification_uri_complete: uri } = await newDevice();
    const page = await context.newPage();
    await page.goto(uri);
    assert.equal(await page.inputValue("#user-code"), userCode);
    assert.equal((await poll(site().writ, client, code)).body.error, "authorization_pending");
    await page.click("#user-code-submit");
    assert.equal(await page.textContent("#user-code"), userCode);
    assert.match((await page.textContent("main")) ?? "", /Did somebody send you this/);
    await page.click("#device-deny");
    await page.waitForSelector("#error");
    await look(page, "phone-5-denied");
    assert.equal((await poll(site().writ, client, code)).body.error, "access_denied");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("two tabs from an empty cookie jar connect two devices, and a page that is loaded again after its end does no harm", async () => {
    const { context } = await openContext();
    const devices = [await newDevice(), await newDevice()];
    const pages = [await context.newPage(), await context.newPage()];
    await Promise.all(pages.map((page, i) => page.goto(devices[i]?.verification_uri_complete)));
    for (const [i, page] of pages.entries()) {
      await connect(page, `tab-${i}`);
      await logIn(page, `person-${i}`);
      await page.click("#consent-allow");
      await page.waitForSelector("#device-success");
    }
    await pages[0]?.goBack();
    for (const [i, { client, device_code: code }] of devices.entries()) {
      const { body } = await poll(site().writ, client, code);
      assert.equal((await introspect(site().writ, body.access_token)).sub, `person-${i}`);
    }
    await context.close();
  });

  test("a double click on each button makes one grant, and the person ends where it says that it worked", async () => {
    const { context } = await openContext();
    const { client, device_code: code, verification_uri_complete: uri } = await newDevice();
    const page = await context.newPage();
    await page.goto(uri);
    await page.dblclick("#user-code-submit");
    await page.waitForSelector("#device-confirm");
    await page.dblclick("#device-confirm");
    await page.waitForSelector("#username");
    await logIn(page, "alice");
    await page.waitForSelector("#consent-allow");
    await page.dblclick("#consent-allow");
    await page.waitForSelector("#device-success");
    assert.equal((await poll(site().writ, client, code)).status, 200);
    await context.close();
  });
});
