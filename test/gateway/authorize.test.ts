import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { type AuthorizeRequest, OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { postForm, send } from "../harness/http.ts";
import { gatewayOver } from "./stand-in.ts";

const HOSTILE = `"><script>alert(1)</script>'&\u00e4\u2028`;

/** The last request that core got. */
let seen: AuthorizeRequest | undefined;

function core({ service }: ConnectRouter): void {
  service(OAuthService, {
    authorize(request) {
      seen = request;
      const wish = request.context?.parameters.find(({ name }) => name === "wish")?.value;
      const setCookie = ["a=1; Path=/; HttpOnly", "b=2; Path=/; HttpOnly"];
      switch (wish) {
        case "redirect":
          return { answer: { case: "redirect", value: { location: "https://rp.example/cb?code=x", status: 303 } }, setCookie };
        case "form":
          return {
            answer: {
              case: "formPost",
              value: {
                action: `https://rp.example/cb?a=1&b=${HOSTILE}`,
                parameters: [
                  { name: "state", value: HOSTILE },
                  { name: "code", value: "x" },
                ],
              },
            },
            setCookie,
          };
        case "script":
          return { answer: { case: "formPost", value: { action: "JavaScript:alert(1)", parameters: [] } } };
        case "page":
          return { answer: { case: "errorPage", value: { error: "invalid_request", errorDescription: HOSTILE, status: 400 } } };
        case "away":
          throw new ConnectError("core is away", Code.Unavailable);
        case "refused":
          throw new ConnectError("no", Code.InvalidArgument, undefined, [
            { desc: OAuthErrorDetailSchema, value: { error: "temporarily_unavailable", errorDescription: "not now", status: 503 } },
          ]);
        default:
          throw new Error("a secret of the server");
      }
    },
    getUserinfo(request) {
      const value = new TextEncoder().encode(JSON.stringify({ header: request.authorization, form: request.formAccessToken, query: request.queryAccessToken }));
      return { answer: { case: "json", value } };
    },
    checkOrigin: ({ origin, clientId }) => ({ allowed: origin === "https://spa.example" && clientId === "spa" }),
    exchangeToken: () => ({ accessToken: "at", tokenType: "Bearer", expiresIn: 1, refreshToken: "rt", idToken: "it" }),
  });
}

describe("authorization endpoint of the gateway", async () => {
  const { publicUrl, requests } = await gatewayOver(core);
  const ask = (wish: string, init: RequestInit = {}) => send(`${publicUrl}/oauth2/auth?wish=${wish}`, init);
  const policyOf = ({ headers }: { headers: Headers }) => headers.get("content-security-policy") ?? "";
  /** The hashes of the inline texts of a page. */
  const hashesOf = (page: string, tag: string) =>
    [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))].map(([, text = ""]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);

  test("RFC 6749 §3.1: all parameters reach core in their order, repeated and unknown ones too, with the cookies", async () => {
    await send(`${publicUrl}/oauth2/auth?wish=redirect&scope=a+b&x=1&x=2&empty=&audience=y`, { headers: { cookie: "a=1; b=2" } });
    assert.deepEqual(
      seen?.context?.parameters.map(({ name, value }) => [name, value]),
      [
        ["wish", "redirect"],
        ["scope", "a b"],
        ["x", "1"],
        ["x", "2"],
        ["audience", "y"],
      ],
    );
    assert.deepEqual([seen?.cookie, seen?.context?.method], ["a=1; b=2", "GET"]);
    await postForm(`${publicUrl}/oauth2/auth?wish=redirect`, "x=1&x=2");
    assert.deepEqual(
      seen?.context?.parameters.map(({ name }) => name),
      ["wish", "x", "x"],
    );
    assert.equal(seen?.context?.method, "POST");
  });

  test("RFC 6749 §4.1.2: a redirect with its status, every cookie in a header of its own, kept by nobody", async () => {
    const answer = await ask("redirect");
    assert.deepEqual([answer.status, answer.headers.get("location"), answer.text], [303, "https://rp.example/cb?code=x", ""]);
    assert.deepEqual(answer.headers.getSetCookie(), ["a=1; Path=/; HttpOnly", "b=2; Path=/; HttpOnly"]);
    assert.deepEqual([answer.headers.get("cache-control"), answer.headers.get("pragma")], ["no-store", "no-cache"]);
    const head = await ask("redirect", { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("location")], [303, "https://rp.example/cb?code=x"]);
  });

  test("Form Post Response Mode §2: a form with every value escaped, one script that its hash allows, a button without it; it may stand in a frame", async () => {
    const page = await ask("form");
    assert.deepEqual([page.status, page.headers.get("content-type"), page.headers.get("cache-control")], [200, "text/html;charset=UTF-8", "no-store"]);
    assert.equal(page.headers.getSetCookie().length, 2);
    assert.match(page.text, /<form method="post" action="https:\/\/rp\.example\/cb\?a=1&amp;b=&quot;&gt;&lt;script&gt;/);
    assert.ok(page.text.includes('<input type="hidden" name="state" value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;\u00e4\u2028">'));
    assert.match(page.text, /<button id="continue" type="submit">/);
    const [script, ...others] = hashesOf(page.text, "script");
    assert.deepEqual(others, []);
    assert.ok(policyOf(page).includes(`script-src ${script}`));
    assert.ok(policyOf(page).includes(`style-src ${hashesOf(page.text, "style")[0]}`));
    assert.doesNotMatch(policyOf(page), /form-action|frame-ancestors|unsafe/);
    assert.equal(page.headers.get("x-frame-options"), null);
    assert.equal((await ask("script")).status, 500);
  });

  test("RFC 6749 §4.1.2.1: an error is a page that names it and the request, escaped, in no frame, with no script and no link", async () => {
    const page = await ask("page", { headers: { "x-request-id": "request-1" } });
    assert.equal(page.status, 400);
    assert.match(page.text, /<html lang="en">/);
    assert.match(page.text, /<code id="error">invalid_request<\/code>/);
    assert.match(page.text, /<code id="request-id">request-1<\/code>/);
    assert.doesNotMatch(page.text, /<script|href=/);
    assert.ok(policyOf(page).includes("default-src 'none'") && policyOf(page).includes("frame-ancestors 'none'"));
    assert.deepEqual([page.headers.get("x-frame-options"), page.headers.get("x-content-type-options"), page.headers.get("referrer-policy")], ["DENY", "nosniff", "no-referrer"]);
  });

  test("what core throws is a page too, and says nothing of the server; for a program it is JSON", async () => {
    for (const [wish, status, error] of [
      ["away", 503, "temporarily_unavailable"],
      ["refused", 503, "temporarily_unavailable"],
      ["crash", 500, "server_error"],
    ] as const) {
      const page = await ask(wish, { headers: { accept: "text/html,application/xhtml+xml" } });
      assert.deepEqual([page.status, page.headers.get("retry-after")], [status, status === 503 ? "1" : null]);
      assert.ok(page.text.includes(error));
      assert.doesNotMatch(page.text, /secret/);
      const json = await ask(wish, { headers: { accept: "application/json" } });
      assert.deepEqual([json.status, json.body.error], [status, error]);
    }
    assert.ok(requests.some(({ status, route }) => status === 500 && route === "/oauth2/auth"));
  });

  test("RFC 9110 §15.5: another content type, a broken encoding, too many parameters and a body that is too large are client errors, and pages", async () => {
    const json = await send(`${publicUrl}/oauth2/auth`, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    assert.deepEqual([json.status, json.headers.get("content-type")], [400, "text/html;charset=UTF-8"]);
    assert.equal((await send(`${publicUrl}/oauth2/auth?x=%E0%A4%A`)).status, 400);
    assert.equal((await postForm(`${publicUrl}/oauth2/auth`, "a=1&".repeat(600))).status, 400);
    assert.equal((await postForm(`${publicUrl}/oauth2/auth`, `a=${"x".repeat(70_000)}`)).status, 413);
    assert.equal((await send(`${publicUrl}/oauth2/auth`, { method: "DELETE" })).status, 405);
  });

  test("hydra.md §2.8: without a login or consent app there is a page that says which key is missing and what such an app does", async () => {
    for (const [what, name] of [
      ["login", "URLS_LOGIN"],
      ["consent", "URLS_CONSENT"],
    ] as const) {
      const page = await send(`${publicUrl}/oauth2/fallbacks/${what}?${what}_challenge=${encodeURIComponent(HOSTILE)}`);
      assert.equal(page.status, 200);
      assert.ok(page.text.includes(`urls.${what}`) && page.text.includes(name) && page.text.includes(`/admin/oauth2/auth/requests/${what}`) && page.text.includes("/accept?"));
      assert.ok(!page.text.includes("alert(1)"), "nothing of the request is on it");
    }
  });

  test("RFC 6749 §5.1: a token answer has a refresh token and an ID token where there are such", async () => {
    const { body } = await postForm(`${publicUrl}/oauth2/token`, { grant_type: "x" });
    assert.deepEqual(body, { access_token: "at", token_type: "Bearer", expires_in: 1, scope: "", refresh_token: "rt", id_token: "it" });
  });

  test("RFC 6750 §2: the three ways of an access token reach core apart", async () => {
    const ways = async (init: RequestInit, query = "") => (await send(`${publicUrl}/userinfo${query}`, init)).body;
    assert.deepEqual(await ways({ headers: { authorization: "Bearer a" } }, "?access_token=c"), { header: "Bearer a", form: "", query: "c" });
    assert.deepEqual(await ways({ method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "access_token=b" }), {
      header: "",
      form: "b",
      query: "",
    });
    assert.deepEqual(await ways({ method: "POST" }), { header: "", form: "", query: "" });
  });
});

describe("pages of a client's own origins", async () => {
  const { publicUrl } = await gatewayOver(core, { serve: { public: { cors: { enabled: true, allowed_origins: ["https://ours.example"] } } } });
  const originFor = async (origin: string, path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    (await postForm(publicUrl + path, form, { headers: { origin, ...headers } })).headers.get("access-control-allow-origin");

  test("hydra.md §1.4: the token endpoint answers them when the client is the one that registered them, named in the form or by Basic", async () => {
    const spa = "https://spa.example";
    assert.equal(await originFor(spa, "/oauth2/token", { client_id: "spa" }), spa);
    assert.equal(await originFor(spa, "/oauth2/token", {}, { authorization: `Basic ${Buffer.from("spa:x").toString("base64")}` }), spa);
    assert.equal(await originFor(spa, "/oauth2/token", { client_id: "other" }), null);
    assert.equal(await originFor(spa, "/oauth2/token", {}), null);
    assert.equal(await originFor("https://evil.example", "/oauth2/token", { client_id: "spa" }), null);
    assert.equal(await originFor("https://ours.example", "/oauth2/token", { client_id: "other" }), "https://ours.example");
  });
});
