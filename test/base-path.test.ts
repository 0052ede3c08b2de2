import assert from "node:assert/strict";
import { test } from "node:test";
import { introspect, send } from "./harness/http.ts";
import { createRp, getTokens, type UserAgent } from "./harness/user-agent.ts";
import { startWrit, type Writ } from "./harness/writ.ts";

const ISSUER = "https://example.com/auth/v1";

/** A browser before a proxy that ends TLS for the issuer's host; `strips`: and takes the issuer's path off. */
function browserBehind(writ: Writ, strips: boolean): UserAgent {
  const cookies = new Map<string, string>();
  const load = async (url: string, init: RequestInit = {}) => {
    const { pathname, search } = new URL(url, ISSUER);
    assert.ok(url.startsWith("/") || pathname.startsWith("/auth/v1/"), `every URL is under the issuer's path: ${url}`);
    const path = pathname.startsWith("/auth/v1") ? pathname : `/auth/v1${pathname}`;
    const headers = new Headers(init.headers);
    if (cookies.size > 0) headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const answer = await send(writ.publicUrl + (strips ? path.replace(/^\/auth\/v1/, "") : path) + search, { ...init, headers });
    for (const each of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      cookies.set(name, value);
    }
    return answer;
  };
  return { cookies, get: (url) => load(url), post: (path, form) => load(path, { method: "POST", body: new URLSearchParams(form).toString() }) };
}

for (const strips of [false, true])
  test(`RFC 8414 §3.1: an issuer with a path is served ${strips ? "behind a proxy that takes the path off" : "under its path"}: discovery, a whole flow, its tokens`, async () => {
    const writ = await startWrit("apart", { config: { urls: { self: { issuer: ISSUER } } } });
    try {
      const at = (path: string): string => `${writ.publicUrl}${strips ? "" : "/auth/v1"}${path}`;
      const { body } = await send(at("/.well-known/openid-configuration"));
      assert.deepEqual([body.issuer, body.token_endpoint, body.jwks_uri], [ISSUER, `${ISSUER}/oauth2/token`, `${ISSUER}/.well-known/jwks.json`]);
      assert.equal((await send(`${writ.publicUrl}/.well-known/oauth-authorization-server/auth/v1`)).body.issuer, ISSUER);
      const rp = await createRp(writ);
      const tokens = await getTokens(writ, rp, { agent: browserBehind(writ, strips) });
      assert.equal((await introspect(writ, tokens.access_token)).iss, ISSUER);
      assert.equal((await send(at("/userinfo"), { headers: { authorization: `Bearer ${tokens.access_token}` } })).status, 200);
    } finally {
      await writ.close();
    }
  });
