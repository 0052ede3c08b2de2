import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type RunningLoginApp, startLoginApp } from "#apps/login/start.ts";
import { createWritClient } from "#sdk/index.ts";
import { MINUTE, makeTestClock } from "../harness/clock.ts";
import { createDevice, goToDevice, newCodes } from "../harness/device.ts";
import { type Answer, send } from "../harness/http.ts";
import { openUserAgent } from "../harness/user-agent.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

const time = makeTestClock();

describe("the demo app's device pages", () => {
  let server: Writ | undefined;
  let running: RunningLoginApp | undefined;
  const failures: unknown[] = [];
  const writ = (): Writ => server ?? assert.fail();
  const appUrl = (): string => running?.url ?? assert.fail();
  before(async () => {
    server = await startWrit("apart", { clock: time.clock });
    running = await startLoginApp({ writ: createWritClient({ baseUrl: server.rpcUrl }), host: "127.0.0.1", port: 0, onError: (error) => failures.push(error) });
  });
  after(async () => {
    await running?.close(100);
    await server?.close();
    assert.deepEqual(failures, []);
  });

  const open = async (more = ""): Promise<{ readonly page: Answer; readonly cookie: string }> => {
    const page = await send(`${appUrl()}/device?device_challenge=${await goToDevice(openUserAgent(writ()))}${more}`);
    return { page, cookie: page.headers.getSetCookie()[0]?.split(";")[0] ?? "" };
  };
  const formOf = (page: Answer, more: Record<string, string> = {}): URLSearchParams => {
    const form = new URLSearchParams();
    for (const [, name = "", value = ""] of page.text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)) form.append(name, value);
    for (const [name, value] of Object.entries(more)) form.set(name, value);
    return form;
  };
  const post = (form: URLSearchParams, headers: Record<string, string>) => send(`${appUrl()}/device`, { method: "POST", headers, body: form });
  /** Sends the code, and follows to the page that asks. */
  const check = async (page: Answer, userCode: string, cookie: string): Promise<Answer> => {
    const { status, headers } = await post(formOf(page, { user_code: userCode, action: "check" }), { cookie });
    assert.equal(status, 303);
    return send(appUrl() + headers.get("location"), { headers: { cookie } });
  };
  const newUserCode = async (metadata: object = {}): Promise<string> => (await newCodes(writ(), await createDevice(writ(), metadata), { scope: "openid read" })).user_code;

  test("RFC 8628 §3.3: the pages have their fields and buttons under fixed names, no script, a strict policy; what a client registered is text", async () => {
    const userCode = await newUserCode({ client_name: "<img src=x onerror=alert(1)>" });
    const { page, cookie } = await open(`&user_code=${encodeURIComponent('a"><b>')}`);
    for (const part of [
      /<h1>Connect a device<\/h1>/,
      /<label for="user-code">/,
      /<input id="user-code"[^>]* name="user_code"[^>]* value="a&quot;&gt;&lt;b&gt;"/,
      /<button id="user-code-submit"[^>]* type="submit"/,
    ])
      assert.match(page.text, part);
    const confirm = await check(page, userCode, cookie);
    for (const part of [
      /<h1>Is this your device\?<\/h1>/,
      new RegExp(`id="user-code">${userCode}<`),
      /id="device-confirm"/,
      /id="device-deny"/,
      /&lt;img src=x onerror=alert\(1\)&gt;/,
    ])
      assert.match(confirm.text, part);
    for (const { text, headers } of [page, confirm]) {
      assert.doesNotMatch(text, /<script|style=|onclick|<img/);
      assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'.*base-uri 'none'/);
      assert.equal(headers.get("cache-control"), "no-store");
    }
    assert.match((await post(formOf(confirm, { action: "confirm" }), { cookie })).headers.get("location") ?? "", /device_verifier=writ_dv_/);
  });

  test("a form counts only with the proof of this browser and this challenge, and from this site: nobody confirms a device for somebody else", async () => {
    const userCode = await newUserCode();
    const [mine, other] = [await open(), await open()];
    const filled = { user_code: userCode, action: "confirm" };
    const { cookie } = mine;
    for (const [form, headers] of [
      [formOf(mine.page, { ...filled, proof: "" }), { cookie }],
      [formOf(mine.page, { ...filled, proof: formOf(other.page).get("proof") ?? "" }), { cookie }],
      [formOf(mine.page, filled), {}],
      [formOf(mine.page, filled), { cookie: other.cookie }],
      [formOf(mine.page, filled), { cookie, origin: "https://evil.example" }],
      [formOf(mine.page, filled), { cookie, "sec-fetch-site": "cross-site" }],
    ] as const)
      assert.equal((await post(form, headers as Record<string, string>)).status, 403);
    const link = `${appUrl()}/device/confirm?${new URLSearchParams({ device_challenge: formOf(mine.page).get("challenge") ?? "", user_code: userCode })}`;
    for (const headers of [{}, { cookie: other.cookie }] as const)
      assert.equal((await send(link, { headers })).status, 403, "nobody is brought past the page that has the code sent");
    assert.equal((await post(formOf(mine.page, filled), { cookie })).status, 303);
  });

  test("RFC 8628 §5.1: a wrong code comes back with a message and what was typed; too many end on a page; what is missing, unknown or late is one too", async () => {
    const { page, cookie } = await open();
    assert.match((await post(formOf(page, { user_code: " ", action: "check" }), { cookie })).text, /Enter the code that your device shows/);
    assert.equal((await send(`${appUrl()}/device/confirm?device_challenge=x`)).status, 403);
    for (let i = 0; i < 5; i++) {
      const again = await post(formOf(page, { user_code: 'no"pe', action: i === 0 ? "confirm" : "check" }), { cookie });
      assert.deepEqual([again.status, /role="alert"/.test(again.text), again.text.includes('value="no&quot;pe"')], [400, true, true]);
    }
    const end = await post(formOf(page, { user_code: await newUserCode(), action: "check" }), { cookie });
    assert.deepEqual([end.status, /Too many wrong codes/.test(end.text)], [403, true]);
    assert.equal((await send(`${appUrl()}/device`)).status, 400);
    assert.equal((await send(`${appUrl()}/device/success?client_id=x`)).status, 200);
    const unknown = await send(`${appUrl()}/device?device_challenge=x`);
    const unknownCookie = unknown.headers.getSetCookie()[0]?.split(";")[0] ?? "";
    assert.equal((await post(formOf(unknown, { user_code: "x", action: "check" }), { cookie: unknownCookie })).status, 404);
    const late = await open();
    time.advance(31 * MINUTE);
    assert.equal((await post(formOf(late.page, { user_code: "x", action: "check" }), { cookie: late.cookie })).status, 410);
  });
});
