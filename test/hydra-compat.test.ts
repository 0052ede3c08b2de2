import assert from "node:assert/strict";
import { test } from "node:test";
import { DAY, MINUTE, makeTestClock } from "./harness/clock.ts";
import { createClient, postForm, send, sendJson } from "./harness/http.ts";
import { consentApp, createRp, goToConsent, goToLogin, loginApp, newSubject, openUserAgent, parametersOf } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const time = makeTestClock();

describeWrit(
  "compat: hydra, where flows go wrong",
  { clock: time.clock, config: { compat: "hydra" } },
  (writ) => {
    const agent = () => openUserAgent(writ());
    const answerTo = async (browser: ReturnType<typeof agent>, url: string) => parametersOf((await browser.get(url)).headers.get("location"));

    test("hydra.md §7.6: a rejection without a word, another browser, a flow that is too old and a verifier that was used have Hydra's errors", async () => {
      const rp = await createRp(writ());
      const browser = agent();
      const noLogin = await loginApp.reject(writ(), await goToLogin(browser, rp.request()));
      assert.equal((await answerTo(browser, noLogin.body.redirect_to)).error, "login request denied");
      const noConsent = await consentApp.reject(writ(), await goToConsent(writ(), browser, rp.request()));
      assert.equal((await answerTo(browser, noConsent.body.redirect_to)).error, "consent request denied");
      const login = await loginApp.accept(writ(), await goToLogin(browser, rp.request()));
      assert.equal((await answerTo(agent(), login.body.redirect_to)).error, "request_forbidden");
      const consent = await consentApp.accept(writ(), await goToConsent(writ(), browser, rp.request()), { grant_scope: ["read"] });
      assert.equal((await answerTo(agent(), consent.body.redirect_to)).error, "request_forbidden");
      assert.ok((await answerTo(browser, consent.body.redirect_to)).code);
      const again = await answerTo(browser, consent.body.redirect_to);
      assert.deepEqual([again.error, again.code], ["access_denied", undefined]);
      assert.match(again.error_description ?? "", /^The resource owner or authorization server denied the request/);
      const lateConsent = await consentApp.accept(writ(), await goToConsent(writ(), browser, rp.request()), { grant_scope: ["read"] });
      time.advance(31 * MINUTE);
      for (const late of [login, lateConsent]) assert.equal((await answerTo(browser, late.body.redirect_to)).error, "request_unauthorized");
    });

    test("hydra.md §7.3, §7.9: the session cookie is HttpOnly and lives as long as remember_for, or ttl.authentication_session; a skipped login sends none", async () => {
      const rp = await createRp(writ());
      const cookieOf = async (browser: ReturnType<typeof agent>, login: object) => {
        const { body } = await loginApp.accept(writ(), await goToLogin(browser, rp.request()), login);
        return (await browser.get(body.redirect_to)).headers.getSetCookie().find((each) => each.startsWith("ory_hydra_session_dev="));
      };
      const [browser, subject] = [agent(), newSubject()];
      assert.match((await cookieOf(browser, { subject, remember: true, remember_for: 600 })) ?? "", /; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/);
      assert.match((await cookieOf(agent(), { subject, remember: true })) ?? "", new RegExp(`; Max-Age=${(30 * DAY) / 1000};`));
      assert.equal(await cookieOf(browser, { subject }), undefined);
      assert.match((await cookieOf(browser, { subject, extend_session_lifespan: true, remember_for: 1200 })) ?? "", /; Max-Age=1200;/);
      assert.equal(await cookieOf(agent(), { subject, remember: false }), undefined);
    });

    test("hydra.md §2.3, §5.3: revocation answers an unknown token with nothing; the other way to ask, and who is not known, are refused", async () => {
      const { client_id: id, client_secret: secret } = await createClient(writ());
      const url = `${writ().publicUrl}/oauth2/revoke`;
      for (const hint of ["access_token", "refresh_token", "something"]) {
        const answer = await postForm(url, { token: "ory_at_x.y", token_type_hint: hint }, { basic: [id, secret] });
        assert.deepEqual([answer.status, answer.text, answer.headers.get("cache-control"), answer.headers.get("pragma")], [200, "", "no-store", "no-cache"]);
      }
      assert.deepEqual([(await postForm(url, "", { basic: [id, secret] })).body.error, (await send(url)).status], ["invalid_request", 404]);
      assert.equal((await postForm(url, { token: "x" }, { basic: [id, "wrong"] })).status, 401);
    });

    test("RFC 6749 §4.1.2.1: state is in an error only where the client sent one", async () => {
      const rp = await createRp(writ());
      assert.equal((await answerTo(agent(), rp.request({ state: undefined, scope: "nothing" }))).state, undefined);
    });
  },
  ["direct"],
);

describeWrit(
  "compat: hydra, pages of lists",
  { config: { compat: "hydra" } },
  (writ) => {
    test("hydra.md §3.1: 100 are on a page; none or less means the default; what is no number is 400; both filters count", async () => {
      await Promise.all(Array.from({ length: 101 }, () => createClient(writ(), { owner: "many" })));
      const page = async (query: string) => {
        const { status, body, headers } = await sendJson(writ(), "GET", `/admin/clients?owner=many${query}`);
        return [status, body.length, /rel="next"/.test(headers.get("link") ?? "")];
      };
      for (const query of ["", "&page_size=0", "&page_size=-1", "&page_token="]) assert.deepEqual(await page(query), [200, 100, true], query);
      assert.deepEqual(await page("&page_size=10000"), [200, 101, false]);
      assert.equal((await page("&page_size=many"))[0], 400);
      const wrong = await sendJson(writ(), "GET", "/admin/clients?page_token=x");
      assert.equal(wrong.status, 400);
      assert.match(wrong.body.error_description, /invalid pagination token/);
      assert.deepEqual(await page("&client_name=none"), [200, 0, false]);
    });
  },
  ["direct"],
);

describeWrit(
  "outside of development",
  { config: { dev: false, urls: { self: { issuer: "https://auth.example" } } } },
  (writ) => {
    test("hydra.md §2.1: an http redirect URI is for this machine alone, by whatever name; apps' own schemes are fine", async () => {
      const local = ["http://localhost/cb", "http://app.localhost:1/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb", "https://rp.example/cb"];
      const elsewhere = ["http://rp.example/cb", "http://localhost.evil.example/cb", "http://127.0.0.1.evil.example/cb", "HTTP://rp.example/cb"];
      const rp = await createRp(writ(), { redirect_uris: [...local, ...elsewhere] });
      for (const uri of local) assert.equal((await openUserAgent(writ()).get(rp.request({ redirect_uri: uri }))).status, 302, uri);
      for (const uri of elsewhere) {
        const { status, headers, text } = await openUserAgent(writ()).get(rp.request({ redirect_uri: uri }));
        assert.deepEqual([status, headers.get("location")], [400, null], uri);
        assert.match(text, /invalid_request/);
      }
    });

    test("hydra.md §7.9, §1.3: on https every cookie is Secure and HttpOnly, and of this host", async () => {
      const { headers } = await openUserAgent(writ()).get((await createRp(writ())).request());
      const cookies = headers.getSetCookie();
      assert.ok(cookies.length > 0);
      for (const each of cookies) assert.match(each, /^__Host-writ_[^;]+;.*; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    });
  },
  ["direct"],
);
