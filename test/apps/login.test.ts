import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type RunningLoginApp, startLoginApp } from "#apps/login/start.ts";
import { createWritClient } from "#sdk/index.ts";
import { MINUTE, makeTestClock } from "../harness/clock.ts";
import { type Answer, send } from "../harness/http.ts";
import { claimsOf } from "../harness/jwt.ts";
import { createRp, getTokens, goToConsent, goToLogin, newSubject, openUserAgent, parametersOf, type Rp, redeem, type UserAgent } from "../harness/user-agent.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

const time = makeTestClock();

describe("the demo login and consent app", () => {
  let server: Writ | undefined;
  let running: RunningLoginApp | undefined;
  const failures: unknown[] = [];
  const writ = (): Writ => server ?? assert.fail();
  const appUrl = (): string => running?.url ?? assert.fail();
  before(async () => {
    server = await startWrit("apart", { clock: time.clock, config: { urls: { logout: "https://apps.example/logout" } } });
    running = await startLoginApp({ writ: createWritClient({ baseUrl: server.rpcUrl }), host: "127.0.0.1", port: 0, onError: (error) => failures.push(error) });
  });
  after(async () => {
    await running?.close(100);
    await server?.close();
  });

  /** A browser at the app: its pages and forms, with cookies. */
  const visitor = () => {
    let cookie = "";
    const keep = (answer: Answer): Answer => {
      for (const each of answer.headers.getSetCookie()) cookie += `${cookie === "" ? "" : "; "}${each.split(";")[0]}`;
      return answer;
    };
    return {
      get: async (path: string) => keep(await send(appUrl() + path, { headers: { cookie } })),
      post: async (path: string, form: URLSearchParams, headers: Record<string, string> = {}) =>
        keep(await send(appUrl() + path, { method: "POST", headers: { cookie, ...headers }, body: form })),
    };
  };
  /** The fields of a page's form as they would be sent. */
  const formOf = (page: Answer, more: Record<string, string> = {}): URLSearchParams => {
    const form = new URLSearchParams();
    for (const [, name = "", value = ""] of page.text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)) form.append(name, value);
    for (const [, value = ""] of page.text.matchAll(/name="grant_scope" type="checkbox" value="([^"]*)" checked/g)) form.append("grant_scope", value);
    for (const [name, value] of Object.entries(more)) form.set(name, value);
    return form;
  };
  const follow = async (agent: UserAgent, answer: Answer): Promise<Readonly<Record<string, string>>> =>
    parametersOf((await agent.get(answer.headers.get("location") ?? assert.fail(answer.text))).headers.get("location"));
  const userinfo = (token: string) => send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
  const newChallenge = async (rp: Rp, agent = openUserAgent(writ())) => goToLogin(agent, rp.request());

  test("conformance.md §5.2: the login page has its heading, fields and buttons under their fixed names, and the client's name, logo and links", async () => {
    const rp = await createRp(writ(), {
      client_name: "Photo Album",
      logo_uri: "https://rp.example/logo.png",
      policy_uri: "https://rp.example/policy",
      tos_uri: "https://rp.example/tos",
    });
    const page = await visitor().get(`/login?login_challenge=${await newChallenge(rp)}`);
    assert.equal(page.status, 200);
    for (const part of [
      /<html lang="en">/,
      /<h1>Sign in<\/h1>/,
      /<label for="username">/,
      /<input id="username" name="username" type="text"/,
      /<label for="password">/,
      /<input id="password" name="password" type="password"/,
      /<button id="login-submit"[^>]* type="submit"/,
      /<button id="login-cancel"[^>]* type="submit"/,
      /<strong id="client-name">Photo Album<\/strong>/,
      /<img class="logo" src="https:\/\/rp\.example\/logo\.png"/,
      /<a id="policy-uri" href="https:\/\/rp\.example\/policy"/,
      /<a id="tos-uri" href="https:\/\/rp\.example\/tos"/,
    ])
      assert.match(page.text, part);
    assert.doesNotMatch(page.text, /<script|style=|onclick/);
    const policy = page.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'.*frame-ancestors 'none'.*base-uri 'none'/);
    assert.doesNotMatch(policy, /form-action|unsafe|script-src/);
    assert.deepEqual([page.headers.get("cache-control"), page.headers.get("x-content-type-options")], ["no-store", "nosniff"]);
    assert.match(page.headers.getSetCookie()[0] ?? "", /HttpOnly; SameSite=Lax/);
  });

  test("a whole flow: log in, consent with one box unticked, remembered; the client gets what was left ticked and the claims that go with it", async () => {
    const rp = await createRp(writ(), { scope: "openid offline_access profile email" });
    const agent = openUserAgent(writ());
    const person = visitor();
    const request = rp.request({ scope: "openid offline_access profile email" });
    const subject = newSubject();
    const login = await person.get(`/login?login_challenge=${await goToLogin(agent, request)}`);
    const loggedIn = await person.post("/login", formOf(login, { username: ` ${subject} `, password: "x", remember: "1", action: "login" }), { origin: appUrl() });
    assert.equal(loggedIn.status, 303);
    const { consent_challenge: challenge } = await follow(agent, loggedIn);
    const consent = await person.get(`/consent?consent_challenge=${challenge}`);
    for (const part of [
      /<h1>Allow access<\/h1>/,
      /<button id="consent-allow"/,
      /<button id="consent-deny"/,
      new RegExp(`<strong id="subject">${subject}</strong>`),
      /See your email address/,
    ])
      assert.match(consent.text, part);
    const form = formOf(consent, { remember: "1", action: "allow" });
    form.delete("grant_scope", "email");
    form.append("grant_scope", "admin"); // what nobody asked for
    const answer = await follow(agent, await person.post("/consent", form));
    assert.equal(answer.scope, "openid offline_access profile");
    const { body } = await redeem(writ(), rp, answer.code ?? "");
    const claims = claimsOf(body.id_token);
    assert.deepEqual([claims.sub, claims.name, claims.amr], [subject, undefined, ["pwd"]], "what scopes ask for is told by userinfo");
    const { body: info } = await userinfo(body.access_token);
    assert.deepEqual([info.sub, info.name, info.email], [subject, `${subject} Doe`, undefined]);

    const again = await person.get(`/login?login_challenge=${await goToLogin(agent, rp.request({ scope: "openid profile" }))}`);
    assert.equal(again.status, 302, "the browser is known: no page");
    const skipped = await person.get(`/consent?consent_challenge=${(await follow(agent, again)).consent_challenge}`);
    assert.equal(skipped.status, 302, "and the consent remembered");
    assert.equal((await follow(agent, skipped)).scope, "openid profile");
  });

  test("OIDC Core §5.5: claims that are asked for by their names stand on the page, and come to where they were asked for; a name is text", async () => {
    const rp = await createRp(writ(), { scope: "openid" });
    const [agent, person, subject] = [openUserAgent(writ()), visitor(), newSubject()];
    const claims = JSON.stringify({ id_token: { email: null }, userinfo: { name: { essential: true }, "<b>shoe_size": null } });
    const consent = await person.get(`/consent?consent_challenge=${await goToConsent(writ(), agent, rp.request({ scope: "openid", claims }), { subject })}`);
    assert.match(consent.text, /<p id="claims">It would be told: <code>email<\/code>, <code>name<\/code>, <code>&lt;b&gt;shoe_size<\/code>/);
    const answer = await follow(agent, await person.post("/consent", formOf(consent, { action: "allow" })));
    const { body } = await redeem(writ(), rp, answer.code ?? "");
    const idToken = claimsOf(body.id_token);
    const { body: info } = await userinfo(body.access_token);
    assert.deepEqual([idToken.email, idToken.name], [`${subject}@people.example`, undefined]);
    assert.deepEqual([info.name, info.email, info["<b>shoe_size"]], [`${subject} Doe`, undefined, undefined]);
  });

  test("RFC 6749 §4.1.2.1: cancel and deny bring the client access_denied", async () => {
    const rp = await createRp(writ());
    const [agent, person] = [openUserAgent(writ()), visitor()];
    const login = await person.get(`/login?login_challenge=${await newChallenge(rp, agent)}`);
    assert.equal((await follow(agent, await person.post("/login", formOf(login, { action: "cancel" })))).error, "access_denied");
    const consent = await person.get(`/consent?consent_challenge=${await goToConsent(writ(), agent, rp.request())}`);
    assert.equal((await follow(agent, await person.post("/consent", formOf(consent, { action: "deny" })))).error, "access_denied");
  });

  test("hydra.md §7.4: a client with skip_consent is not asked for", async () => {
    const rp = await createRp(writ(), { skip_consent: true });
    const agent = openUserAgent(writ());
    const answer = await visitor().get(`/consent?consent_challenge=${await goToConsent(writ(), agent, rp.request())}`);
    assert.equal(answer.status, 302);
    assert.ok((await follow(agent, answer)).code);
  });

  test("a form that lacks something comes back with a message and with what was typed", async () => {
    const rp = await createRp(writ());
    const person = visitor();
    const page = await person.get(`/login?login_challenge=${await newChallenge(rp)}`);
    for (const [fields, message] of [
      [{ username: "", password: "x" }, /Enter a user name/],
      [{ username: 'a"b', password: "" }, /Enter a password/],
      [{ username: "ü".repeat(200), password: "x" }, /too long/],
    ] as const) {
      const again = await person.post("/login", formOf(page, { ...fields, remember: "1", action: "login" }));
      assert.equal(again.status, 400);
      assert.match(again.text, /role="alert"/);
      assert.match(
        again.text,
        new RegExp(`name="${message.source.includes("password") ? "password" : "username"}"[^>]* aria-invalid="true" aria-describedby="login-error" autofocus>`),
      );
      assert.match(again.text, message);
      assert.ok(again.text.includes(`value="${fields.username.replace('"', "&quot;")}"`));
      assert.match(again.text, /name="remember" type="checkbox" value="1" checked/);
    }
  });

  test("login_hint stands in the field", async () => {
    const rp = await createRp(writ());
    const challenge = await goToLogin(openUserAgent(writ()), rp.request({ login_hint: 'bob"@example' }));
    assert.ok((await visitor().get(`/login?login_challenge=${challenge}`)).text.includes('value="bob&quot;@example"'));
  });

  test("a form counts only with the proof of this browser and this challenge, and from this site", async () => {
    const rp = await createRp(writ());
    const [person, attacker] = [visitor(), visitor()];
    const page = await person.get(`/login?login_challenge=${await newChallenge(rp)}`);
    const own = await attacker.get(`/login?login_challenge=${await newChallenge(rp)}`);
    const filled = { username: "mallory", password: "x", action: "login" };
    const proof = (from: Answer) => formOf(from).get("proof") ?? "";
    const challenge = formOf(page).get("challenge") ?? "";
    for (const [form, headers] of [
      [formOf(page, { ...filled, proof: "" }), {}],
      [formOf(page, { ...filled, proof: proof(own) }), {}],
      [formOf(own, { ...filled, challenge }), {}],
      [formOf(page, filled), { origin: "https://evil.example" }],
      [formOf(page, filled), { origin: "null" }],
      [formOf(page, filled), { "sec-fetch-site": "cross-site" }],
    ] as const) {
      const answer = await person.post("/login", form, headers);
      assert.equal(answer.status, 403);
      assert.match(answer.text, /out of date/);
    }
    assert.equal((await visitor().post("/login", formOf(page, filled))).status, 403, "without the browser's cookie");
    assert.equal((await attacker.post("/login", formOf(page, filled))).status, 403, "with another browser's");
    assert.equal((await person.post("/login", formOf(page, filled))).status, 303);
    assert.equal((await person.post("/login", new URLSearchParams({ x: "y".repeat(70_000) }))).status, 413);
  });

  test("of two tabs that are opened at once from an empty cookie jar both forms count; a form counts for a second click too", async () => {
    const rp = await createRp(writ());
    const challenges = [await newChallenge(rp), await newChallenge(rp)];
    // Both pages are asked for before either has brought its cookie.
    const pages = await Promise.all(challenges.map((challenge) => visitor().get(`/login?login_challenge=${challenge}`)));
    const cookie = pages.map((page) => page.headers.getSetCookie()[0]?.split(";")[0]).join("; ");
    for (const page of [...pages, ...pages]) {
      const form = formOf(page, { username: "a", password: "b", action: "login" });
      assert.equal((await send(`${appUrl()}/login`, { method: "POST", headers: { cookie }, body: form })).status, 303);
    }
  });

  test("what a client registered is text: no markup, no javascript: link, no http image", async () => {
    const evil = "<img src=x onerror=alert(1)>";
    const rp = await createRp(writ(), { client_name: evil, logo_uri: "http://rp.example/x.png", scope: `openid <b>bold</b>` });
    const challenge = await goToLogin(openUserAgent(writ()), rp.request({ scope: "openid" }));
    const page = await visitor().get(`/login?login_challenge=${challenge}`);
    assert.ok(page.text.includes("&lt;img src=x onerror=alert(1)&gt;") && !page.text.includes(evil));
    assert.doesNotMatch(page.text, /<img|javascript:/);
    const consent = await visitor().get(`/consent?consent_challenge=${await goToConsent(writ(), openUserAgent(writ()), rp.request({ scope: "openid <b>bold</b>" }))}`);
    assert.ok(consent.text.includes("&lt;b&gt;bold&lt;/b&gt;") && !consent.text.includes("<b>bold"));
  });

  test("conformance.md §5.2: the logout page says who is signed in and who asks; yes ends the session, no does not, a client of the operator's own is not asked about", async () => {
    const bye = "https://rp.example/bye";
    for (const [action, skipLogoutConsent] of [
      ["logout", false],
      ["cancel", false],
      ["", true],
    ] as const) {
      const rp = await createRp(writ(), { client_name: "Photo Album", post_logout_redirect_uris: [bye], skip_logout_consent: skipLogoutConsent });
      const agent = openUserAgent(writ());
      const subject = newSubject();
      const { id_token: hint } = await getTokens(writ(), rp, { agent, login: { subject, remember: true } });
      const asked = await agent.get(`/oauth2/sessions/logout?${new URLSearchParams({ id_token_hint: hint, post_logout_redirect_uri: bye })}`);
      const { logout_challenge: challenge } = parametersOf(asked.headers.get("location"));
      const person = visitor();
      const page = await person.get(`/logout?logout_challenge=${challenge}`);
      if (skipLogoutConsent) {
        assert.equal((await agent.get(page.headers.get("location") ?? assert.fail(page.text))).headers.get("location"), bye);
        continue;
      }
      for (const part of [
        /<h1>Sign out<\/h1>/,
        /<strong id="client-name">Photo Album<\/strong>/,
        /<button id="logout-confirm"[^>]* type="submit"/,
        /<button id="logout-cancel"[^>]* type="submit"/,
      ])
        assert.match(page.text, part);
      assert.ok(page.text.includes(`<strong id="subject">${subject}</strong>`));
      assert.equal((await visitor().post("/logout", formOf(page, { action: "logout" }))).status, 403, "another browser's form");
      const answer = await person.post("/logout", formOf(page, { action }));
      if (action === "cancel") assert.match((await visitor().get(answer.headers.get("location") ?? assert.fail(answer.text))).text, /<h1>You are still signed in<\/h1>/);
      else assert.equal((await agent.get(answer.headers.get("location") ?? assert.fail(answer.text))).headers.get("location"), bye);
    }
    assert.equal((await visitor().get("/logout")).status, 400);
    assert.equal((await visitor().get("/logout?logout_challenge=x")).status, 404);
  });

  test("what goes wrong is a page for people with the right status: no challenge, an unknown one, one that expired, Writ away", async () => {
    const rp = await createRp(writ());
    const person = visitor();
    for (const path of ["/login", "/consent"]) assert.equal((await person.get(path)).status, 400);
    for (const path of ["/login?login_challenge=x", "/consent?consent_challenge=x", "/nowhere"]) assert.equal((await person.get(path)).status, 404);
    const challenge = await newChallenge(rp);
    const page = await person.get(`/login?login_challenge=${challenge}`);
    time.advance(31 * MINUTE);
    const late = await person.post("/login", formOf(page, { username: "a", password: "b", action: "login" }));
    assert.equal(late.status, 410);
    assert.match(late.text, /took too long/);
    const shown = await person.get(`/error?error=invalid_request&error_description=${encodeURIComponent("<b>x</b>")}`);
    assert.equal(shown.status, 400);
    assert.ok(shown.text.includes("&lt;b&gt;x&lt;/b&gt;"));
    const alone = await startLoginApp({ writ: createWritClient({ baseUrl: "http://127.0.0.1:9" }), host: "127.0.0.1", port: 0, onError: (error) => failures.push(error) });
    const away = await send(`${alone.url}/login?login_challenge=x`);
    await alone.close(100);
    assert.equal(away.status, 503);
    for (const each of [late, shown, away]) assert.doesNotMatch(each.text, /at .*\.ts|Error:/);
    assert.deepEqual(failures, []);
  });
});
