import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { send } from "./harness/http.ts";
import { accept, challengeOf, locationOf, logIn } from "./harness/logout.ts";
import { createRp, finishFlow, goToLogin, loginApp, newSubject, openUserAgent, parametersOf, type UserAgent } from "./harness/user-agent.ts";
import { describeWrit, startWrit, type Writ } from "./harness/writ.ts";

const PAGE = "/oauth2/sessions/check";
const COOKIE = "writ_browser_state_dev";
const ORIGIN = "https://rp.example";

/** Runs the page's script as a browser with these cookies would, and asks it as a page of `origin`. */
async function ask(writ: Writ, agent: UserAgent, message: unknown, origin = ORIGIN): Promise<string | undefined> {
  const { text } = await send(writ.publicUrl + PAGE);
  const script = /<script>([\s\S]*)<\/script>/.exec(text)?.[1] ?? assert.fail(text);
  let listener: (event: object) => void = () => assert.fail("nobody listens");
  const document = { body: { getAttribute: () => /data-cookie="([^"]+)"/.exec(text)?.[1] }, cookie: [...agent.cookies].map(([name, value]) => `${name}=${value}`).join("; ") };
  const window = {
    addEventListener(_: string, listen: typeof listener) {
      listener = listen;
    },
  };
  runInNewContext(script, { document, window, unescape, encodeURIComponent });
  let answer: string | undefined;
  listener({
    data: message,
    origin,
    source: {
      postMessage(said: string, to: string) {
        assert.equal(to, origin);
        answer = said;
      },
    },
  });
  return answer;
}

describeWrit("session management", { config: { session_management: { enabled: true } } }, (writ) => {
  test("OIDC Session Management §2, §3.2: session_state is in the answer; the page says unchanged until somebody logs out, and changed after", async () => {
    const { agent, rp, subject, tokens } = await logIn(writ());
    const { session_state: state = "" } = await finishFlow(writ(), agent, rp.request(), { login: { subject } });
    assert.match(state, /^[0-9a-f]{64}\.[\w-]{16}$/);
    const [digest, salt] = state.split(".");
    assert.equal(
      createHash("sha256")
        .update(`${rp.client.client_id} ${ORIGIN} ${agent.cookies.get(COOKIE)} ${salt}`)
        .digest("hex"),
      digest,
    );
    const message = `${rp.client.client_id} ${state}`;
    assert.equal(await ask(writ(), agent, message), "unchanged");
    assert.equal(await ask(writ(), agent, message, "https://evil.example"), "changed", "it is of the client's own origin");
    assert.equal(await ask(writ(), agent, `other ${state}`), "changed");
    await accept(writ(), agent, await challengeOf(agent, { id_token_hint: tokens.id_token }));
    assert.equal(await ask(writ(), agent, message), "changed");
    assert.equal(await ask(writ(), openUserAgent(writ()), message), "error", "a frame that the browser keeps the cookie from cannot tell");
  });

  test("OIDC Session Management §3.2: a message of another form gets error; a window without an origin gets nothing", async () => {
    const { agent } = await logIn(writ());
    for (const message of ["", "x", "a b", `a ${"0".repeat(64)}`, `a b ${"0".repeat(64)}.x`, `a ${"0".repeat(64)}.<>`, undefined, null, 7, {}, ["a", "b"]])
      assert.equal(await ask(writ(), agent, message), "error", String(message));
    assert.equal(await ask(writ(), agent, "a b", "null"), undefined);
  });

  test("FIPS 180-4: the page's own SHA-256 is right for every length up to three blocks, and beyond ASCII", async () => {
    const { agent } = await logIn(writ());
    const state = agent.cookies.get(COOKIE);
    for (const client of [...Array.from({ length: 140 }, (_, n) => "x".repeat(n + 1)), "ä€😀"]) {
      const digest = createHash("sha256").update(`${client} ${ORIGIN} ${state} s`).digest("hex");
      assert.equal(await ask(writ(), agent, `${client} ${digest}.s`), "unchanged", client);
    }
  });

  test("OIDC Session Management §3: a skipped login changes nothing, another login does, one that is not remembered too", async () => {
    const { agent, rp, subject } = await logIn(writ());
    const first = agent.cookies.get(COOKIE);
    assert.match(first ?? "", /^[\w-]{22}$/);
    await finishFlow(writ(), agent, rp.request(), { login: { subject } });
    assert.equal(agent.cookies.get(COOKIE), first);
    await finishFlow(writ(), agent, rp.request({ prompt: "login" }), { login: { subject: newSubject() } });
    assert.notEqual(agent.cookies.get(COOKIE), first);
  });

  test("OIDC Session Management §2: errors have it too, and a browser without the cookie gets one; not without openid, not for an app's own scheme", async () => {
    const { rp } = await logIn(writ(), { metadata: { redirect_uris: ["https://rp.example/cb", "com.example.app:/cb"], post_logout_redirect_uris: [] } });
    const agent = openUserAgent(writ());
    const refused = await agent.get(rp.request({ prompt: "none" }));
    const { error, session_state: state } = parametersOf(locationOf(refused));
    assert.equal(error, "login_required");
    assert.equal(await ask(writ(), agent, `${rp.client.client_id} ${state}`), "unchanged");
    const set = refused.headers.getSetCookie().find((each) => each.startsWith(COOKIE)) ?? assert.fail();
    assert.match(set, /SameSite=Lax/);
    assert.doesNotMatch(set, /HttpOnly/i);
    for (const more of [{ scope: "read" }, { redirect_uri: "com.example.app:/cb" }]) {
      const answer = await agent.get(rp.request({ prompt: "none", ...more }));
      assert.deepEqual([answer.status, parametersOf(locationOf(answer)).session_state], [303, undefined], JSON.stringify(more));
    }
    const rejected = await loginApp.reject(writ(), await goToLogin(agent, rp.request()));
    assert.match(parametersOf(locationOf(await agent.get(rejected.body.redirect_to))).session_state ?? "", /\./);
  });

  test("the page may stand in any frame, runs its own script alone, and is in the metadata", async () => {
    const page = await send(writ().publicUrl + PAGE);
    const policy = page.headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'.*script-src 'sha256-[\w+/=]+'$/);
    assert.doesNotMatch(policy, /frame-ancestors|unsafe/);
    assert.equal(page.headers.get("x-frame-options"), null);
    const { body } = await send(`${writ().publicUrl}/.well-known/openid-configuration`);
    assert.equal(body.check_session_iframe, `http://127.0.0.1:4444${PAGE}`);
  });
});

test("OIDC Session Management §5.1: on https the cookie goes into frames of other sites, __Host- and Secure; and none is set where it is off, which is the default", async () => {
  const https = { urls: { self: { issuer: "https://auth.example" } } };
  const [on, off] = [await startWrit("direct", { config: { ...https, session_management: { enabled: true } } }), await startWrit("direct", { config: https })];
  try {
    for (const writ of [on, off]) {
      const rp = await createRp(writ);
      const refused = await send(`${writ.publicUrl}${rp.request({ prompt: "none" })}`);
      const set = refused.headers.getSetCookie().find((each) => each.includes("browser_state"));
      const { session_state: state } = parametersOf(locationOf(refused));
      const { body } = await send(`${writ.publicUrl}/.well-known/openid-configuration`);
      if (writ === off) {
        assert.deepEqual([set, state, body.check_session_iframe, (await send(writ.publicUrl + PAGE)).status], [undefined, undefined, undefined, 404]);
        continue;
      }
      assert.match(set ?? "", /^__Host-writ_browser_state=[\w-]{22}; Max-Age=\d+; Path=\/; Secure; SameSite=None$/);
      assert.ok(state);
    }
  } finally {
    await Promise.all([on.close(), off.close()]);
  }
});
