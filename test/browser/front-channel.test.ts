import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { send } from "../harness/http.ts";
import { claimsOf } from "../harness/jwt.ts";
import { type Rp, redeem } from "../harness/user-agent.ts";
import { answerOf, logIn, openContext as openContextOf, type Site, startSite, visit } from "./site.ts";

const TYPES = ["id_token", "id_token token", "token", "code id_token", "code token", "code id_token token"];
const HYBRID = "code id_token token";

describe("answers with tokens in Chromium", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  const site = (): Site => started ?? assert.fail("the site is not running");
  before(async () => {
    started = await startSite();
  });
  after(() => started?.close());

  const openContext = (javaScriptEnabled = true) => openContextOf(site(), { javaScriptEnabled }, { refuses: false });
  const newRp = (): Promise<Rp> => site().newRp({ grant_types: ["authorization_code", "implicit", "refresh_token"], response_types: ["code", ...TYPES] });
  const requestUrl = (rp: Rp, more: Record<string, string>) => site().requestUrl(rp, { nonce: "n-0S6_WzA2Mj", scope: "openid profile", ...more });
  const consented = async (page: Page, username: string): Promise<void> => {
    await logIn(page, username);
    await page.click("#consent-allow");
  };
  const userinfo = (token = "") => send(`${site().writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } });

  test("OAuth 2.0 Multiple Response Types §5: by fragment all of it reaches the page of the client, and none of it a server; the code buys more", async () => {
    const { context, problems } = await openContext();
    const rp = await newRp();
    const requests: string[] = [];
    context.on("request", (request) => requests.push(request.url(), request.headers().referer ?? ""));
    const page = await visit(context, requestUrl(rp, { response_type: HYBRID }));
    await consented(page, "alice");
    await page.waitForURL(/#.*code=/);
    const answer = await answerOf(page);
    assert.deepEqual([answer.method, answer.seen_by_server, answer.token_type, answer.iss], ["GET", "method", "Bearer", site().issuer]);
    const claims = claimsOf(answer.id_token);
    assert.deepEqual([claims.sub, claims.name, typeof claims.c_hash, typeof claims.at_hash, typeof claims.s_hash], ["alice", undefined, "string", "string", "string"]);
    assert.equal((await userinfo(answer.access_token)).body.name, "alice Doe");
    const { status, body } = await redeem(site().writ, { ...rp, redirectUri: site().callbackUrl }, answer.code ?? "");
    assert.deepEqual([status, claimsOf(body.id_token).sub], [200, "alice"]);
    const sent = requests.filter((url) => !url.startsWith(`${site().callbackUrl}#`)).join("\n");
    for (const secret of [answer.access_token, answer.id_token]) assert.equal(sent.includes(secret ?? "none"), false, "neither in a URL that was loaded nor in a Referer");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("OIDC Core §5.4: with id_token alone the claims of scopes are in it", async () => {
    const { context } = await openContext();
    const page = await visit(context, requestUrl(await newRp(), { response_type: "id_token" }));
    await consented(page, "bob");
    await page.waitForURL(/#id_token=/);
    const { id_token: idToken, access_token: token, scope } = await answerOf(page);
    assert.deepEqual([claimsOf(idToken).sub, claimsOf(idToken).name, token, scope], ["bob", "bob Doe", undefined, undefined]);
    await context.close();
  });

  test("Form Post Response Mode §2: every type is posted by itself, and with its button where no script runs; nothing is blocked, nothing is in a URL", async () => {
    for (const javaScriptEnabled of [true, false]) {
      const { context, problems } = await openContext(javaScriptEnabled);
      const rp = await newRp();
      for (const type of TYPES) {
        const page = await visit(context, requestUrl(rp, { response_type: type, response_mode: "form_post", prompt: "login" }));
        await consented(page, "carol");
        if (!javaScriptEnabled) await page.click("#continue");
        await page.waitForSelector("#answer");
        const { method, code, access_token: token, id_token: idToken } = await answerOf(page);
        const words = type.split(" ");
        assert.deepEqual(
          [method, code !== undefined, token !== undefined, idToken !== undefined],
          ["POST", words.includes("code"), words.includes("token"), words.includes("id_token")],
          `${type} ${javaScriptEnabled}`,
        );
        assert.equal(page.url(), site().callbackUrl);
        if (token !== undefined) assert.equal((await userinfo(token)).body.sub, "carol");
        await page.close();
      }
      assert.deepEqual(problems, []);
      await context.close();
    }
  });

  test("OIDC Core §3.1.2.6, §3.3.2.6: prompt=none in a remembered browser answers a hybrid request by fragment with no page; without a login it is login_required there", async () => {
    const { context } = await openContext();
    const rp = await newRp();
    const before = await visit(context, requestUrl(rp, { response_type: HYBRID, prompt: "none" }));
    assert.deepEqual([(await answerOf(before)).error, new URL(before.url()).search], ["login_required", ""]);
    const first = await visit(context, requestUrl(rp, { response_type: HYBRID }));
    await logIn(first, "dave", true);
    await first.check("#remember");
    await first.click("#consent-allow");
    await first.waitForURL(/#.*code=/);
    const again = await visit(context, requestUrl(rp, { response_type: HYBRID, prompt: "none" }));
    const { code, access_token: token, id_token: idToken } = await answerOf(again);
    assert.deepEqual([typeof code, typeof token, claimsOf(idToken).sub], ["string", "string", "dave"]);
    await context.close();
  });

  test("RFC 6749 §4.2.2.1: who denies is brought back with access_denied in the fragment", async () => {
    const { context } = await openContext();
    const page = await visit(context, requestUrl(await newRp(), { response_type: "id_token token" }));
    await logIn(page, "erin");
    await page.click("#consent-deny");
    await page.waitForURL(/#error=/);
    const { error, access_token: token } = await answerOf(page);
    assert.deepEqual([error, token], ["access_denied", undefined]);
    await context.close();
  });
});
