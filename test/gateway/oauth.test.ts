import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { type ExchangeTokenRequest, type IntrospectTokenRequest, OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { postForm, send } from "../harness/http.ts";
import { gatewayOver } from "./stand-in.ts";

const seen: { token?: ExchangeTokenRequest; introspect?: IntrospectTokenRequest; requestId?: string | null } = {};

function refusal(detail: MessageInitShape<typeof OAuthErrorDetailSchema>): ConnectError {
  return new ConnectError("not for the wire", Code.InvalidArgument, undefined, [{ desc: OAuthErrorDetailSchema, value: detail }]);
}

/** A core that answers by grant type. */
function core(router: ConnectRouter): void {
  router.service(OAuthService, {
    exchangeToken(request, { requestHeader }) {
      seen.token = request;
      seen.requestId = requestHeader.get("x-request-id");
      if (request.grantType === "refused")
        throw refusal({ error: "invalid_client", errorDescription: 'Client authentication failed: "x"', status: 401, wwwAuthenticate: 'Basic realm="writ"' });
      if (request.grantType === "down") throw new ConnectError("connect ECONNREFUSED 10.0.0.1", Code.Unavailable);
      if (request.grantType === "broken") throw new Error("SELECT * FROM client");
      return { accessToken: "writ_at_x", tokenType: "Bearer", expiresIn: 3600, scope: "read" };
    },
    introspectToken(request) {
      seen.introspect = request;
      return {
        introspection:
          request.token === "good"
            ? { active: true, token: { clientId: "c", sub: "c", exp: 2, iat: 1, nbf: 1, iss: "http://i", tokenType: "Bearer", tokenUse: "access_token" } }
            : { active: false },
      };
    },
    revokeToken: () => ({}),
    getMetadata: () => ({ json: Buffer.from('{"issuer":"http://i"}'), etag: "m1" }),
    getJwks: () => ({ json: Buffer.from('{"keys":[]}'), etag: "k1", maxAge: 77 }),
  });
}

describe("the token endpoint", async () => {
  const { publicUrl, requests } = await gatewayOver(core);
  const url = `${publicUrl}/oauth2/token`;

  test("RFC 6749 §5.1: a client gets JSON that nobody keeps, and core gets the form, the header and the request id", async () => {
    const answer = await postForm(url, "grant_type=client_credentials&scope=read&audience=a&audience=b&client_id=&x=1", {
      basic: ["id", "secret"],
      headers: { "x-request-id": "req-1" },
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { access_token: "writ_at_x", token_type: "Bearer", expires_in: 3600, scope: "read" });
    assert.deepEqual(
      ["content-type", "cache-control", "pragma", "x-request-id"].map((name) => answer.headers.get(name)),
      ["application/json;charset=UTF-8", "no-store", "no-cache", "req-1"],
    );
    assert.equal(seen.requestId, "req-1");
    assert.deepEqual(seen.token?.audience, ["a", "b"]);
    assert.match(seen.token?.clientAuthentication?.authorization ?? "", /^Basic /);
    assert.equal(seen.token?.context?.method, "POST");
    assert.equal(seen.token?.context?.peerAddress, "127.0.0.1");
    assert.deepEqual(
      seen.token?.context?.parameters.map(({ name, value }) => `${name}=${value}`),
      ["grant_type=client_credentials", "scope=read", "audience=a", "audience=b", "x=1"],
    );
  });

  test("a request id that could break a log line is replaced", async () => {
    const answer = await postForm(url, { grant_type: "x" }, { headers: { "x-request-id": "a b" } });
    assert.match(answer.headers.get("x-request-id") ?? "", /^[\w-]{16}$/);
    assert.equal(seen.requestId, answer.headers.get("x-request-id"));
  });

  test("RFC 6749 App. B: the vector is decoded", async () => {
    await postForm(url, "grant_type=x&scope=+%25%26%2B%C2%A3%E2%82%AC");
    assert.equal(seen.token?.scope, " %&+£€");
  });

  for (const [what, body, headers, says] of [
    ["a repeated parameter", "grant_type=a&scope=x&scope=y", {}, /'scope' is sent more than once/],
    ["a broken percent sign", "grant_type=a&scope=%E0%A4%A", {}, /encoded/],
    ["bytes that are not UTF-8", "grant_type=a&scope=%FF", {}, /encoded/],
    ["JSON", '{"grant_type":"a"}', { "content-type": "application/json" }, /application\/x-www-form-urlencoded/],
    ["multipart/form-data", "--x\r\n", { "content-type": "multipart/form-data; boundary=x" }, /application\/x-www-form-urlencoded/],
    ["more parameters than a request needs", Array.from({ length: 600 }, (_, index) => `p${index}=1`).join("&"), {}, /500 parameters/],
  ] as const)
    test(`RFC 6749 §3.2: ${what} gets invalid_request`, async () => {
      const answer = await postForm(url, body, { headers });
      assert.deepEqual([answer.status, answer.body.error, answer.headers.get("cache-control")], [400, "invalid_request", "no-store"]);
      assert.match(answer.body.error_description, says);
    });

  test("RFC 6749 §2.3.1: a secret in the query gets invalid_request", async () => {
    assert.equal((await postForm(`${url}?client_secret=x`, { grant_type: "a" })).body.error, "invalid_request");
  });

  test("RFC 9110 §15.5.14: a form above 64 KiB gets 413 and the connection ends, also when its length is not announced", async () => {
    const huge = `scope=${"a".repeat(1_000_000)}`;
    for (const body of [huge, new Blob([huge]).stream()]) {
      const answer = await send(url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body, duplex: "half" } as RequestInit);
      assert.deepEqual([answer.status, answer.body.error, answer.headers.get("connection")], [413, "invalid_request", "close"]);
    }
  });

  test("RFC 6749 §5.2: a refusal of core comes with its status and challenge, and says no more than core let out", async () => {
    const answer = await postForm(url, { grant_type: "refused" });
    assert.deepEqual([answer.status, answer.headers.get("www-authenticate"), answer.headers.get("cache-control")], [401, 'Basic realm="writ"', "no-store"]);
    assert.deepEqual(answer.body, { error: "invalid_client", error_description: "Client authentication failed: 'x'" });
  });

  test("a core that is down is a 503 to try again later; one that fails is a 500; neither says why", async () => {
    const down = await postForm(url, { grant_type: "down" });
    assert.deepEqual([down.status, down.body.error, down.headers.get("retry-after")], [503, "temporarily_unavailable", "1"]);
    const broken = await postForm(url, { grant_type: "broken" });
    assert.deepEqual([broken.status, broken.body.error], [500, "server_error"]);
    assert.doesNotMatch(down.text + broken.text, /ECONNREFUSED|SELECT|not for the wire/);
  });

  test("RFC 9110 §15.5.6: GET gets 405 and is told POST", async () => {
    const answer = await send(url);
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "POST, OPTIONS"]);
  });

  test("the log has the pattern of the path, never the query", async () => {
    await postForm(`${url}/?secret=1`, { grant_type: "a" });
    const line = requests.at(-1);
    assert.equal(line?.route, "/oauth2/token");
    assert.doesNotMatch(JSON.stringify(requests), /secret/);
  });
});

describe("introspection and revocation", async () => {
  const { publicUrl } = await gatewayOver(core);

  test("RFC 7662 §2.2: an inactive token is exactly that", async () => {
    assert.equal((await postForm(`${publicUrl}/oauth2/introspect`, { token: "bad" })).text, '{"active":false}');
  });
  test("RFC 7662 §2.2: an active token is described", async () => {
    const { body, headers } = await postForm(`${publicUrl}/oauth2/introspect`, { token: "good", token_type_hint: "access_token" });
    assert.deepEqual(body, { active: true, client_id: "c", sub: "c", exp: 2, iat: 1, nbf: 1, aud: [], iss: "http://i", token_type: "Bearer", token_use: "access_token" });
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(seen.introspect?.tokenTypeHint, "access_token");
  });
  test("RFC 7009 §2.2: a revocation is answered with nothing", async () => {
    const answer = await postForm(`${publicUrl}/oauth2/revoke`, { token: "x" });
    assert.deepEqual([answer.status, answer.text], [200, ""]);
  });
});

describe("documents", async () => {
  const { publicUrl } = await gatewayOver(core, { urls: { self: { issuer: "https://host.example/t1" } } });

  for (const path of [
    "/.well-known/openid-configuration",
    "/t1/.well-known/openid-configuration",
    "/.well-known/openid-configuration/t1",
    "/.well-known/oauth-authorization-server",
    "/t1/.well-known/oauth-authorization-server",
    "/.well-known/oauth-authorization-server/t1",
    "/.well-known/oauth-authorization-server/t1/",
  ])
    test(`RFC 8414 §3.1: metadata of an issuer with a path is at ${path}`, async () => {
      const answer = await send(publicUrl + path);
      assert.deepEqual([answer.status, answer.body, answer.headers.get("etag"), answer.headers.get("cache-control")], [200, { issuer: "http://i" }, '"m1"', "public, max-age=300"]);
    });

  test("RFC 9110 §13.1.2: who has the keys already gets 304; the time to keep them is core's", async () => {
    const first = await send(`${publicUrl}/t1/.well-known/jwks.json`);
    assert.equal(first.headers.get("cache-control"), "public, max-age=77");
    const again = await send(`${publicUrl}/.well-known/jwks.json`, { headers: { "if-none-match": '"old", W/"k1"' } });
    assert.deepEqual([again.status, again.text], [304, ""]);
  });

  test("RFC 9110 §9.3.2: HEAD gets the head alone", async () => {
    const answer = await send(`${publicUrl}/.well-known/jwks.json`, { method: "HEAD" });
    assert.deepEqual([answer.status, answer.text, answer.headers.get("content-length")], [200, "", "11"]);
  });

  test("Fetch §4.8: a page of any origin may read them, whatever headers it sends", async () => {
    const ask = await send(`${publicUrl}/.well-known/jwks.json`, {
      method: "OPTIONS",
      headers: { origin: "https://a.example", "access-control-request-method": "GET", "access-control-request-headers": "x-trace" },
    });
    assert.deepEqual([ask.status, ask.headers.get("access-control-allow-origin"), ask.headers.get("access-control-allow-headers")], [204, "*", "x-trace"]);
    assert.match(ask.headers.get("vary") ?? "", /Access-Control-Request-Headers/);
    assert.equal((await send(`${publicUrl}/.well-known/jwks.json`, { headers: { origin: "https://a.example" } })).headers.get("access-control-allow-origin"), "*");
  });
});

describe("the rest of the public port", async () => {
  const open = await gatewayOver(core, { serve: { public: { cors: { enabled: true, allowed_origins: ["https://*.example"] } } }, compat: "hydra" });

  test("Fetch §4.8: the token endpoint answers the pages that are configured and no others", async () => {
    const ask = (origin: string) => send(`${open.publicUrl}/oauth2/token`, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    const yes = await ask("https://app.example");
    assert.deepEqual(
      [yes.status, yes.headers.get("access-control-allow-origin"), yes.headers.get("vary")],
      [204, "https://app.example", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"],
    );
    const post = (origin: string) => postForm(`${open.publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { headers: { origin } });
    assert.equal((await post("https://app.example")).headers.get("access-control-allow-origin"), "https://app.example");
    // A preflight names no client, so it decides nothing (hydra.md §1.4); the answer itself is not for other pages.
    assert.equal((await ask("https://evil.test")).status, 204);
    const no = await post("https://evil.test");
    assert.deepEqual([no.headers.get("access-control-allow-origin"), no.headers.has("vary")], [null, true]);
  });
  test("RFC 7662 §4: introspection is for no page at all", async () => {
    assert.equal(
      (await postForm(`${open.publicUrl}/oauth2/introspect`, { token: "good" }, { headers: { origin: "https://app.example" } })).headers.get("access-control-allow-origin"),
      null,
    );
  });
  test("compat hydra: a wrong method is a path that is not there", async () => {
    assert.equal((await send(`${open.publicUrl}/oauth2/token`)).status, 404);
  });
  test("RFC 9110 §12.5.1: an unknown path is answered in the type that the caller would rather have", async () => {
    for (const [accept, type] of [
      ["*/*", "text/html"],
      ["text/html,application/json", "text/html"],
      ["application/json", "application/json"],
      ["text/plain", "text/plain"],
    ] as const) {
      const answer = await send(`${open.publicUrl}/nothing`, { headers: { accept } });
      assert.equal(answer.status, 404);
      assert.ok(answer.headers.get("content-type")?.startsWith(type), accept);
    }
  });
  test("it is alive without core, and not ready without it", async () => {
    assert.deepEqual((await send(`${open.publicUrl}/health/alive`)).body, { status: "ok" });
    assert.equal((await send(`${open.publicUrl}/health/ready`)).status, 503);
  });
  test("what cannot be a request gets a 4xx and no stack trace", async () => {
    const { hostname, port } = new URL(open.publicUrl);
    const { connect } = await import("node:net");
    const raw = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        let text = "";
        const socket = connect(Number(port), hostname, () => socket.write(bytes));
        socket
          .on("data", (chunk) => (text += chunk))
          .on("close", () => resolve(text))
          .on("error", reject);
      });
    assert.match(await raw("nonsense\r\n\r\n"), /^HTTP\/1.1 400 /);
    assert.match(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"a".repeat(40_000)}\r\n\r\n`), /^HTTP\/1.1 431 /);
    assert.match(await raw("GET http://x/health/alive?a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), /^HTTP\/1.1 200 /);
    assert.match(await raw("OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"), /^HTTP\/1.1 404 /);
  });
});
