import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { createClient } from "./harness/http.ts";
import { consentApp, createRp, finishFlow, goToConsent, goToLogin, ISSUER_URL, loginApp, newSubject, openUserAgent, parametersOf, type Rp, redeem } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const S256 = (verifier: string): string => createHash("sha256").update(verifier).digest("base64url");

describeWrit("authorization endpoint", {}, (writ) => {
  const agent = () => openUserAgent(writ());
  /** What a request comes to before any login: the parameters of a redirect to the client, or the page. */
  const ask = async (url: string) => {
    const { status, headers, text } = await agent().get(url);
    const parameters: Readonly<Record<string, string | undefined>> = parametersOf(headers.get("location"));
    return { status, location: headers.get("location"), parameters, text };
  };

  test("RFC 6749 §4.1.2, RFC 9207 §2: a code reaches the client with the granted scope, the state as it came and the issuer, by 303", async () => {
    const rp = await createRp(writ());
    const state = "ß %26+&=#\"<'>";
    const answer = await finishFlow(writ(), agent(), rp.request({ state }));
    assert.match(answer.code ?? "", /^writ_ac_[\w-]{80,}$/);
    assert.deepEqual({ ...answer, code: "" }, { code: "", scope: "openid offline_access read", state, iss: ISSUER_URL });
  });

  test("RFC 6749 §3.1: a request posted as a form is the same request, and without cookies it is sent round by GET, since a post from another site brings none", async () => {
    const rp = await createRp(writ());
    const form = parametersOf(rp.request());
    const browser = agent();
    const first = await browser.post("/oauth2/auth", form);
    assert.equal(first.status, 303);
    assert.deepEqual(parametersOf(first.headers.get("location")), form);
    await goToLogin(browser, first.headers.get("location") ?? "");
    const second = await browser.post("/oauth2/auth", form);
    assert.equal(second.status, 302);
    assert.ok(parametersOf(second.headers.get("location")).login_challenge);
  });

  test("RFC 6749 §4.1.2.1: while client or redirect_uri are in doubt the person gets a page and nobody a redirect", async () => {
    const rp = await createRp(writ());
    const two = await createRp(writ(), { redirect_uris: ["https://rp.example/cb", "https://rp.example/other"] });
    for (const [url, error] of [
      ["/oauth2/auth", "invalid_request"],
      [rp.request({ client_id: undefined }), "invalid_request"],
      [rp.request({ client_id: "nobody" }), "invalid_client"],
      [rp.request({ client_id: "x".repeat(300) }), "invalid_client"],
      [rp.request({ redirect_uri: "https://evil.example/cb" }), "invalid_request"],
      [rp.request({ redirect_uri: "https://rp.example/cb/" }), "invalid_request"],
      [rp.request({ redirect_uri: "https://rp.example/cb?x=1" }), "invalid_request"],
      [rp.request({ redirect_uri: "https://RP.example/cb" }), "invalid_request"],
      [rp.request({ redirect_uri: undefined }), "invalid_request"], // OIDC Core §3.1.2.1: with openid it must be there
      [two.request({ redirect_uri: undefined, scope: "read" }), "invalid_request"],
      [`${rp.request()}&redirect_uri=https%3A%2F%2Frp.example%2Fcb`, "invalid_request"],
      [`${rp.request()}&client_id=${rp.client.client_id}`, "invalid_request"],
    ] as const) {
      const { status, location, text } = await ask(url);
      assert.deepEqual([status, location], [400, null], url);
      assert.ok(text?.includes(error), `${url}: ${text}`);
    }
  });

  test("RFC 6749 §3.1.2.3: the only registered redirect_uri need not be sent without openid; it must not be sent to the token endpoint then", async () => {
    const rp = await createRp(writ());
    const { code = "" } = await finishFlow(writ(), agent(), rp.request({ redirect_uri: undefined, scope: "read" }));
    assert.equal((await redeem(writ(), rp, code, { redirect_uri: "https://rp.example/other" })).body.error, "invalid_grant");
    assert.equal((await redeem(writ(), rp, code, { redirect_uri: "" })).status, 200);
  });

  test("RFC 8252 §7.3: the port of a loopback address is the app's to choose, nothing else of it is; localhost is a name and has one port", async () => {
    const rp = await createRp(writ(), { redirect_uris: ["http://127.0.0.1/cb?a=1", "http://[::1]:1/cb", "http://localhost:8080/cb"] });
    for (const uri of ["http://127.0.0.1:5000/cb?a=1", "http://127.0.0.1/cb?a=1", "http://[::1]:65535/cb", "http://localhost:8080/cb"])
      assert.ok((await ask(rp.request({ redirect_uri: uri }))).parameters.login_challenge, uri);
    for (const uri of [
      "http://127.0.0.1:5000/cb",
      "http://127.0.0.1:5000/cb?a=2",
      "http://127.0.0.2:5000/cb?a=1",
      "https://127.0.0.1:5000/cb?a=1",
      "http://localhost:8081/cb",
      "http://127.0.0.1:5000@evil.example/cb?a=1",
    ])
      assert.equal((await ask(rp.request({ redirect_uri: uri }))).status, 400, uri);
    const { code } = await finishFlow(writ(), agent(), rp.request({ redirect_uri: "http://127.0.0.1:5000/cb?a=1" }));
    assert.ok(code);
  });

  test("RFC 6749 §4.1.2.1: once the redirect_uri is known, the client is told of what is wrong, with its state and the issuer", async () => {
    const rp = await createRp(writ(), { audience: ["https://api.example"] });
    for (const [more, error] of [
      [{ response_type: undefined }, "invalid_request"],
      [{ response_type: "token" }, "unauthorized_client"],
      [{ response_type: "token banana" }, "unsupported_response_type"],
      [{ response_type: "code banana" }, "unsupported_response_type"],
      [{ response_type: "toString" }, "unsupported_response_type"],
      [{ response_mode: "query.jwt" }, "unsupported_response_mode"],
      [{ response_mode: "__proto__" }, "unsupported_response_mode"],
      [{ scope: "openid admin" }, "invalid_scope"],
      [{ scope: "openid r\u00e9ad" }, "invalid_scope"],
      [{ audience: "https://other.example" }, "invalid_request"],
      [{ prompt: "none login" }, "invalid_request"],
      [{ prompt: "banana" }, "invalid_request"],
      [{ max_age: "-1" }, "invalid_request"],
      [{ max_age: "1e3" }, "invalid_request"],
      [{ id_token_hint: "x.y.z" }, "invalid_request"],
      [{ code_challenge: "short", code_challenge_method: "S256" }, "invalid_request"],
      [{ code_challenge: S256("v"), code_challenge_method: "plain" }, "invalid_request"],
      [{ code_challenge: S256("v") }, "invalid_request"],
      [{ code_challenge_method: "S256" }, "invalid_request"],
      [{ request: "x" }, "invalid_request_object"],
      [{ request_uri: "https://rp.example/r" }, "invalid_request_uri"],
      [{ registration: "{}" }, "registration_not_supported"],
      [{ custom: "x".repeat(4000) }, "invalid_request"],
    ] as const) {
      const answer = await ask(rp.request(more));
      const what = JSON.stringify(more).slice(0, 80);
      assert.deepEqual([answer.status, answer.parameters.error, answer.parameters.state, answer.parameters.iss], [303, error, "a state that comes back", ISSUER_URL], what);
      assert.ok((answer.parameters.error_description ?? "").length > 10, what);
      assert.ok(answer.location?.startsWith(rp.redirectUri), what);
    }
  });

  test("RFC 6749 §3.1: a repeated parameter is an error that the client is told of; of a repeated state none is believed", async () => {
    const rp = await createRp(writ());
    const scope = await ask(`${rp.request()}&scope=read`);
    assert.deepEqual([scope.status, scope.parameters.error, scope.parameters.state], [303, "invalid_request", "a state that comes back"]);
    const state = await ask(`${rp.request()}&state=another`);
    assert.deepEqual([state.status, state.parameters.error, state.parameters.state], [303, "invalid_request", undefined]);
    const claims = await ask(`${rp.request({ scope: "read", claims: "{}" })}&claims=%7B%7D`);
    assert.deepEqual([claims.status, claims.parameters.error], [303, "invalid_request"], "also where it would not be looked at");
    assert.equal((await ask(`${rp.request()}&custom=1&custom=2`)).status, 302, "what the server does not know is for the login app");
  });

  test("RFC 6749 §4.1.2.1: a client that is registered for another grant type or response type is told unauthorized_client", async () => {
    const noCode = await createRp(writ(), { grant_types: ["client_credentials"] });
    assert.equal((await ask(noCode.request())).parameters.error, "unauthorized_client");
    const noType = await createRp(writ(), { response_types: ["id_token"] });
    assert.equal((await ask(noType.request())).parameters.error, "unauthorized_client");
  });

  test("RFC 7636 §4.4.1, RFC 9700 §2.1.1: a public client must use PKCE with S256, a confidential one may", async () => {
    const rp = await createRp(writ(), { token_endpoint_auth_method: "none" });
    assert.equal((await ask(rp.request())).parameters.error, "invalid_request");
    assert.ok((await ask(rp.request({ code_challenge: S256("v"), code_challenge_method: "S256" }))).parameters.login_challenge);
  });

  test("OAuth 2.0 Multiple Response Types §2.1, Form Post §2: the answer comes by query, fragment or a form, errors too", async () => {
    const rp = await createRp(writ());
    const byFragment = await finishFlow(writ(), agent(), rp.request({ response_mode: "fragment" }));
    assert.ok(byFragment.code);
    const error = await agent().get(rp.request({ response_mode: "fragment", scope: "admin" }));
    assert.match(error.headers.get("location") ?? "", /^https:\/\/rp\.example\/cb#error=invalid_scope&/);
    const browser = agent();
    const accepted = await consentApp.accept(writ(), await goToConsent(writ(), browser, rp.request({ response_mode: "form_post" })), { grant_scope: ["openid"] });
    const page = await browser.get(accepted.body.redirect_to);
    assert.equal(page.status, 200);
    assert.equal(page.headers.get("cache-control"), "no-store");
    assert.match(page.text, /writ_ac_/);
  });

  test("RFC 6749 §3.1.2: what the redirect_uri has in its query stays there", async () => {
    const rp = await createRp(writ(), { redirect_uris: ["https://rp.example/cb?tenant=a%20b"] });
    const answer = await finishFlow(writ(), agent(), rp.request({ redirect_uri: "https://rp.example/cb?tenant=a%20b" }));
    assert.equal(answer.tenant, "a b");
    assert.ok(answer.code);
  });

  test("RFC 6749 §3.3: without scope the empty scope is asked for and granted; no ID token and no refresh token come of it", async () => {
    const rp = await createRp(writ());
    const { code = "", scope } = await finishFlow(writ(), agent(), rp.request({ scope: undefined }));
    assert.equal(scope, "");
    const { body } = await redeem(writ(), rp, code);
    assert.deepEqual([body.scope, body.refresh_token, body.id_token], ["", undefined, undefined]);
  });

  test("DESIGN §3: an ordinary challenge is shorter than 500 characters, and the request that it holds comes out as it went in", async () => {
    const rp = await createRp(writ(), {
      client_id: "b2c7e6a0-6c1d-4c55-9b52-d07bb0ab1e51",
      scope: "openid profile email offline_access read:all",
      audience: ["https://api.example/v1"],
    });
    const parameters = {
      scope: "openid profile email offline_access read:all",
      state: randomBytes(32).toString("base64url"),
      nonce: randomBytes(32).toString("base64url"),
      code_challenge: S256(randomBytes(32).toString("base64url")),
      code_challenge_method: "S256",
    };
    const challenge = await goToLogin(agent(), rp.request(parameters));
    assert.ok(challenge.length < 500, `${challenge.length}`);
    const more = {
      ...parameters,
      audience: "https://api.example/v1",
      max_age: "3600",
      acr_values: "a b",
      ui_locales: "de en",
      display: "popup",
      login_hint: "ä@b",
      prompt: "login consent",
      tenant: "x y",
    };
    const url = rp.request(more);
    const { body } = await loginApp.get(writ(), await goToLogin(agent(), url));
    assert.deepEqual(parametersOf(body.request_url), parametersOf(url));
    assert.ok(body.request_url.startsWith(`${ISSUER_URL}/oauth2/auth?`));
    assert.deepEqual(body.oidc_context, { acr_values: ["a", "b"], ui_locales: ["de", "en"], display: "popup", login_hint: "ä@b" });
    assert.deepEqual([body.requested_scope, body.requested_access_token_audience], [parameters.scope.split(" "), ["https://api.example/v1"]]);
    assert.equal(body.client.client_secret, undefined);
  });

  test("DESIGN §2: a redirect_uri that is patched away while a flow is open is not redirected to any more: a page", async () => {
    const patchAway = async (rp: Rp) => {
      const { status } = await fetch(`${writ().adminUrl}/admin/clients/${rp.client.client_id}`, {
        method: "PATCH",
        headers: { "content-type": "application/json" },
        body: JSON.stringify([{ op: "replace", path: "/redirect_uris", value: ["https://rp.example/new"] }]),
      });
      assert.equal(status, 200);
    };
    const atLogin = await createRp(writ());
    const browser = agent();
    const login = await loginApp.accept(writ(), await goToLogin(browser, atLogin.request()));
    await patchAway(atLogin);
    const page = await browser.get(login.body.redirect_to);
    assert.deepEqual([page.status, page.headers.get("location")], [400, null]);

    const atConsent = await createRp(writ());
    const accepted = await consentApp.accept(writ(), await goToConsent(writ(), browser, atConsent.request()), { grant_scope: [] });
    await patchAway(atConsent);
    const second = await browser.get(accepted.body.redirect_to);
    assert.deepEqual([second.status, second.headers.get("location")], [400, null]);

    const moved = await createRp(writ());
    const challenge = await goToLogin(browser, moved.request());
    await fetch(`${writ().adminUrl}/admin/clients/${moved.client.client_id}`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify([{ op: "replace", path: "/redirect_uris", value: ["https://rp.example/new", moved.redirectUri] }]),
    });
    const again = await loginApp.accept(writ(), challenge, { subject: newSubject() });
    assert.equal((await browser.get(again.body.redirect_to)).status, 302, "it is registered still, at another place");
  });

  test("hydra.md §7.1: a client that was deleted, or deleted and made again, has no flow any more", async () => {
    const rp = await createRp(writ(), { client_id: `gone-${Date.now()}` });
    const browser = agent();
    const challenge = await goToLogin(browser, rp.request());
    const accepted = await loginApp.accept(writ(), challenge);
    await fetch(`${writ().adminUrl}/admin/clients/${rp.client.client_id}`, { method: "DELETE" });
    assert.equal((await loginApp.get(writ(), challenge)).status, 404);
    assert.equal((await browser.get(accepted.body.redirect_to)).status, 400);
    await createClient(writ(), { client_id: rp.client.client_id, grant_types: ["authorization_code"], redirect_uris: [rp.redirectUri], scope: "openid offline_access read" });
    assert.equal((await loginApp.get(writ(), challenge)).status, 404);
    assert.equal((await loginApp.accept(writ(), challenge)).status, 404);
    const page = await browser.get(accepted.body.redirect_to);
    assert.deepEqual([page.status, page.headers.get("location")], [400, null]);
  });
});

describeWrit(
  "authorization endpoint under compat: hydra",
  { config: { compat: "hydra" } },
  (writ) => {
    test("hydra.md §2.1, §8.2: state and nonce need 8 characters, response types are unsupported rather than unauthorized, public clients go without PKCE", async () => {
      const rp = await createRp(writ(), { token_endpoint_auth_method: "none" });
      const error = async (more: Record<string, string | undefined>) => parametersOf((await openUserAgent(writ()).get(rp.request(more))).headers.get("location")).error;
      assert.equal(await error({ state: "short" }), "invalid_state");
      assert.equal(await error({ nonce: "short" }), "insufficient_entropy");
      assert.equal(await error({ response_type: undefined }), "unsupported_response_type");
      assert.equal(await error({}), undefined);
    });

    test("hydra.md §7.9: cookies have Hydra's names", async () => {
      const rp = await createRp(writ());
      const browser = openUserAgent(writ());
      await finishFlow(writ(), browser, rp.request(), { login: { remember: true } });
      assert.deepEqual([...browser.cookies.keys()].toSorted(), ["ory_hydra_login_csrf_dev", "ory_hydra_session_dev"]);
    });
  },
  ["direct"],
);
