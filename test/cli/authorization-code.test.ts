import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { send } from "../harness/http.ts";
import { freePort } from "../harness/port.ts";
import { cleanEnv, writ as run } from "../harness/process.ts";
import { consentApp, createRp, loginApp, newSubject, openUserAgent, parametersOf, type Rp } from "../harness/user-agent.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

/** `writ perform authorization-code` while it waits. */
interface Performing {
  /** Where its callback server is. */
  readonly url: string;
  readonly child: ChildProcess;
  /** Waits for its end. */
  ended(): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

describe("writ perform authorization-code", () => {
  let server: Writ | undefined;
  const writ = (): Writ => server ?? assert.fail();
  before(async () => {
    const port = await freePort();
    server = await startWrit("direct", { config: { urls: { self: { issuer: `http://127.0.0.1:${port}` } }, serve: { public: { port } } } });
  });
  after(() => server?.close());

  const newRp = (metadata: object = {}): Promise<Rp> =>
    createRp(writ(), { redirect_uris: ["http://127.0.0.1/callback"], scope: "openid offline offline_access read", ...metadata });

  const perform = async ({ client }: Rp, args: readonly string[] = []): Promise<Performing> => {
    const secret: Record<string, string> = client.client_secret === undefined ? {} : { OAUTH2_CLIENT_SECRET: client.client_secret };
    const child = spawn(process.execPath, [new URL("../../cli/main.ts", import.meta.url).pathname, "perform", "authorization-code", "--no-open", "-p", "0", ...args], {
      env: cleanEnv({ WRIT_PUBLIC_URL: writ().publicUrl, OAUTH2_CLIENT_ID: client.client_id, ...secret }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [text, ended] = [{ stdout: "", stderr: "" }, once(child, "exit")];
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        text[name] += chunk;
      });
    let url: string | undefined;
    while (url === undefined) {
      if (child.exitCode !== null) throw new Error(`it ended: ${text.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      url = /^ {2}(https?:\/\/127\.0\.0\.1:\d+\/\S*)$/m.exec(text.stderr)?.[1];
    }
    return { url, child, ended: async () => ({ code: (await ended)[0] as number | null, ...text }) };
  };

  /** Goes through the flow in a browser; returns where the answer is to be brought, and the page that brought it. */
  const browse = async ({ url }: Performing, scope: readonly string[], subject = newSubject()) => {
    const agent = openUserAgent(writ());
    const begun = await send(new URL("/perform-flow", url).href);
    assert.equal(begun.status, 302);
    const authorizationUrl = begun.headers.get("location") ?? "";
    const locationOf = async (to: string) => parametersOf((await agent.get(to)).headers.get("location"));
    const login = await loginApp.accept(writ(), (await locationOf(authorizationUrl)).login_challenge ?? "", { subject });
    const consent = await consentApp.accept(writ(), (await locationOf(login.body.redirect_to)).consent_challenge ?? "", { grant_scope: scope });
    const page = await agent.get(consent.body.redirect_to);
    return { authorizationUrl, callback: page.headers.get("location") ?? "", page };
  };

  test("hydra.md §11.4: the start page, the flow with PKCE, state and nonce, a page that says so, and the tokens in the terminal", async () => {
    const rp = await newRp();
    const performing = await perform(rp, ["--audience", ""]);
    const start = await send(performing.url);
    assert.match(start.text, /<a class="go" id="start" href="\/perform-flow">/);
    assert.match(start.headers.get("content-security-policy") ?? "", /default-src 'none'/);
    const { authorizationUrl, callback } = await browse(performing, ["openid", "offline"]);
    const asked = parametersOf(authorizationUrl);
    assert.deepEqual([asked.scope, asked.code_challenge_method, asked.redirect_uri, asked.max_age], ["offline openid", "S256", `${performing.url}callback`, undefined]);
    assert.ok((asked.state ?? "").length >= 24 && (asked.nonce ?? "").length >= 24);
    const page = await send(callback);
    assert.deepEqual([page.status, /It worked/.test(page.text)], [200, true]);
    const { code, stdout } = await performing.ended();
    assert.equal(code, 0);
    for (const row of [/^ACCESS TOKEN +writ_at_\S+$/m, /^REFRESH TOKEN +writ_rt_\S+$/m, /^ID TOKEN +eyJ\S+$/m, /^EXPIRY +\d{4}-\d\d-\d\dT/m]) assert.match(stdout, row);
  });

  test("Form Post Response Mode §2: the answer may come as a form; --format json has all tokens", async () => {
    const rp = await newRp();
    const performing = await perform(rp, ["--response-mode", "form_post", "--scope", "openid", "--format", "json", "--prompt", "login,consent", "--max-age", "60"]);
    const { authorizationUrl, page } = await browse(performing, ["openid"]);
    const asked = parametersOf(authorizationUrl);
    assert.deepEqual([asked.prompt, asked.max_age, asked.response_mode], ["login consent", "60", "form_post"]);
    const form = new URLSearchParams([...page.text.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name = "", value = ""]): [string, string] => [name, value]));
    const posted = await send(new URL("/callback", performing.url).href, { method: "POST", body: form });
    assert.equal(posted.status, 200);
    const { stdout } = await performing.ended();
    assert.deepEqual(Object.keys(JSON.parse(stdout)).toSorted(), ["access_token", "expiry", "id_token", "token_type"]);
  });

  test("RFC 6749 §10.12, RFC 9207 §2.4: an answer with another state, or none, is refused and waited on for; one of another issuer ends the flow", async () => {
    const rp = await newRp({ token_endpoint_auth_method: "none" });
    const performing = await perform(rp, ["--scope", "openid"]);
    const { callback } = await browse(performing, ["openid"]);
    for (const state of ["another", ""]) {
      const wrong = new URL(callback);
      wrong.searchParams.set("state", state);
      assert.equal((await send(wrong.href)).status, 400);
    }
    assert.equal((await send(new URL("/callback?error=x", performing.url).href)).status, 400);
    assert.equal((await send(new URL("/else", performing.url).href)).status, 404);
    const mixedUp = new URL(callback);
    mixedUp.searchParams.set("iss", "https://evil.example");
    assert.equal((await send(mixedUp.href)).status, 400);
    const { code, stderr, stdout } = await performing.ended();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /iss/);
  });

  test("a public client needs no secret; with --no-shutdown it goes on, and an answer that comes twice is refused; Ctrl-C ends it", async () => {
    const rp = await newRp({ token_endpoint_auth_method: "none" });
    const performing = await perform(rp, ["--no-shutdown", "--scope", "openid", "-q"]);
    const first = await browse(performing, ["openid"]);
    assert.equal((await send(first.callback)).status, 200);
    assert.equal((await send(first.callback)).status, 400);
    assert.equal((await send((await browse(performing, ["openid"])).callback)).status, 200);
    await new Promise((resolve) => setTimeout(resolve, 200));
    performing.child.kill("SIGINT");
    assert.equal((await performing.ended()).stdout.match(/^writ_at_/gm)?.length, 2);
  });

  test("RFC 6749 §4.1.2.1: an error of the server is shown in the browser, escaped, and ends the command with 1", async () => {
    const rp = await newRp();
    const performing = await perform(rp, ["--scope", "openid,<b>"]);
    const begun = await send(new URL("/perform-flow", performing.url).href);
    const refused = await send(begun.headers.get("location") ?? "");
    const page = await send(refused.headers.get("location") ?? "");
    assert.equal(page.status, 400);
    assert.ok(page.text.includes("invalid_scope") && page.text.includes("&lt;b&gt;") && !page.text.includes("<b>"));
    const { code, stderr } = await performing.ended();
    assert.equal(code, 1);
    assert.match(stderr, /The flow ended with the error invalid_scope: /);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  test("hydra.md §11.4: --https: the callback server speaks TLS, with a certificate made for the run", async () => {
    const port = await freePort();
    const rp = await newRp({ redirect_uris: [`https://127.0.0.1:${port}/callback`] });
    const performing = await perform(rp, ["--https", "-p", `${port}`]);
    const load = (url: string): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        get(url, { rejectUnauthorized: false, agent: false }, (response) => {
          response.resume();
          resolve(response);
        }).on("error", reject);
      });
    assert.equal(performing.url, `https://127.0.0.1:${port}/`);
    const { headers } = await load(`${performing.url}perform-flow`);
    const agent = openUserAgent(writ());
    const locationOf = async (to: string) => parametersOf((await agent.get(to)).headers.get("location"));
    const login = await loginApp.accept(writ(), (await locationOf(headers.location ?? "")).login_challenge ?? "", { subject: newSubject() });
    const consent = await consentApp.accept(writ(), (await locationOf(login.body.redirect_to)).consent_challenge ?? "", { grant_scope: ["openid"] });
    const callback = (await agent.get(consent.body.redirect_to)).headers.get("location") ?? "";
    assert.ok(callback.startsWith(`https://127.0.0.1:${port}/callback?`));
    assert.equal((await load(callback)).statusCode, 200);
    const { code, stdout, stderr } = await performing.ended();
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^ACCESS TOKEN +writ_at_/);
  });

  test("what cannot begin says so in one line: a taken port, no client, no server", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const env = { WRIT_PUBLIC_URL: writ().publicUrl, OAUTH2_CLIENT_ID: "x" };
    for (const [args, more, message] of [
      [["-p", `${port}`], {}, /^Port \d+ is taken/],
      [[], { OAUTH2_CLIENT_ID: "" }, /^The client is not named/],
      [["-p", "0"], { WRIT_PUBLIC_URL: "http://127.0.0.1:9" }, /does not answer as an OpenID provider/],
      [["-p", "70000"], {}, /no port/],
    ] as const) {
      const { code, stderr } = await run(["perform", "authorization-code", "--no-open", ...args], { env: { ...env, ...more } });
      assert.equal(code, 1);
      assert.match(stderr, message);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    }
    taken.close();
  });

  test("hydra.md §3.8: consent sessions are listed and revoked, login sessions revoked", async () => {
    const rp = await newRp();
    const subject = newSubject();
    const performing = await perform(rp, ["--scope", "openid", "--format", "jsonpointer=/access_token"]);
    await send((await browse(performing, ["openid"], subject)).callback);
    const { stdout: token } = await performing.ended();
    const env = { WRIT_ADMIN_URL: writ().adminUrl };
    const command = (...args: string[]) => run(args, { env });
    const listed = await command("list", "consent-sessions", "--subject", subject);
    assert.match(listed.stdout, new RegExp(`^[0-9a-f]{32} +${subject} +${rp.client.client_id} +openid +false`, "m"));
    const { stdout: id } = await command("list", "consent-sessions", "--subject", subject, "-q");
    assert.equal((await command("revoke", "login-sessions", "--subject", subject)).code, 0);
    assert.match((await command("introspect", "token", token.trim())).stdout, /^ACTIVE +true/m);
    assert.equal((await command("revoke", "consent-sessions", "--id", id.trim())).code, 0);
    assert.match((await command("introspect", "token", token.trim())).stdout, /^ACTIVE +false/m);
    assert.equal((await command("revoke", "consent-sessions", "--subject", subject, "--all")).code, 0);
    for (const args of [
      ["revoke", "consent-sessions"],
      ["revoke", "consent-sessions", "--subject", "a"],
      ["revoke", "login-sessions"],
    ])
      assert.equal((await command(...args)).code, 1);
  });
});
