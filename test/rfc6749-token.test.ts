import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, introspect, postForm, send } from "./harness/http.ts";
import { describeWrit } from "./harness/writ.ts";

const NO_STORE = ["no-store", "no-cache"];

describeWrit("token endpoint", {}, (writ) => {
  const token = (form: Record<string, string> | string, options: Parameters<typeof postForm>[2] = {}) => postForm(`${writ().publicUrl}/oauth2/token`, form, options);

  test("RFC 6749 §4.4.3: client credentials by client_secret_basic get an access token, its type, lifetime and scope, and nothing else", async () => {
    const client = await createClient(writ());
    const answer = await token({ grant_type: "client_credentials", scope: "read" }, { basic: [client.client_id, client.client_secret] });
    assert.equal(answer.status, 200);
    assert.match(answer.body.access_token, /^writ_at_[\w-]{100,}$/);
    assert.deepEqual({ ...answer.body, access_token: "" }, { access_token: "", token_type: "Bearer", expires_in: 3600, scope: "read" });
    assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
    assert.deepEqual([answer.headers.get("cache-control"), answer.headers.get("pragma")], NO_STORE);
  });

  test("RFC 6749 §2.3.1: a client registered for client_secret_post authenticates in the form, and not by Basic", async () => {
    const client = await createClient(writ(), { token_endpoint_auth_method: "client_secret_post" });
    const form = { grant_type: "client_credentials", client_id: client.client_id, client_secret: client.client_secret };
    assert.equal((await token(form)).status, 200);
    const basic = await token({ grant_type: "client_credentials" }, { basic: [client.client_id, client.client_secret] });
    assert.deepEqual([basic.status, basic.body.error], [401, "invalid_client"]);
  });

  test("RFC 6749 §2.3.1, App. B: id and secret in Basic are form-encoded, with colons, percent signs, spaces and pluses in them", async () => {
    const secret = " %&+:x y";
    const client = await createClient(writ(), { client_id: `a:b %+${Date.now()}`, client_secret: secret });
    assert.equal((await token({ grant_type: "client_credentials" }, { basic: [client.client_id, secret] })).status, 200);
  });

  test("RFC 6749 §5.2: a wrong secret and an unknown client get the same 401 invalid_client, with WWW-Authenticate for Basic", async () => {
    const client = await createClient(writ());
    const wrong = await token({ grant_type: "client_credentials" }, { basic: [client.client_id, "wrong-secret"] });
    const unknown = await token({ grant_type: "client_credentials" }, { basic: ["nobody", "wrong-secret"] });
    for (const answer of [wrong, unknown]) {
      assert.deepEqual([answer.status, answer.body.error], [401, "invalid_client"]);
      assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic realm="[^"]+"/);
      assert.deepEqual([answer.headers.get("cache-control"), answer.headers.get("pragma")], NO_STORE);
    }
    assert.deepEqual(wrong.body, unknown.body);
    assert.match(wrong.body.error_description, /^Client authentication failed/);
  });

  test("RFC 6749 §2.3: two authentication methods in one request get invalid_request", async () => {
    const client = await createClient(writ());
    const answer = await token(
      { grant_type: "client_credentials", client_id: client.client_id, client_secret: client.client_secret },
      { basic: [client.client_id, client.client_secret] },
    );
    assert.deepEqual([answer.status, answer.body.error], [400, "invalid_request"]);
  });

  test("RFC 6749 §2.3: client_id beside Basic is fine when it is the same, and invalid_request when it is not", async () => {
    const client = await createClient(writ());
    const basic = [client.client_id, client.client_secret] as const;
    assert.equal((await token({ grant_type: "client_credentials", client_id: client.client_id }, { basic })).status, 200);
    const other = await token({ grant_type: "client_credentials", client_id: "other" }, { basic });
    assert.deepEqual([other.status, other.body.error], [400, "invalid_request"]);
  });

  for (const [name, authorization] of Object.entries({
    "no colon": `Basic ${Buffer.from("abc").toString("base64")}`,
    "no base64": "Basic ***",
    "no UTF-8": `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString("base64")}`,
    "broken percent": `Basic ${Buffer.from("a%zz:b").toString("base64")}`,
    "nothing after Basic": "Basic ",
    "another scheme": "Negotiate abc",
  }))
    test(`RFC 6749 §2.3.1: an Authorization header with ${name} gets 401 invalid_client`, async () => {
      const answer = await token({ grant_type: "client_credentials" }, { headers: { authorization } });
      assert.deepEqual([answer.status, answer.body.error], [401, "invalid_client"]);
      assert.ok(answer.headers.has("www-authenticate"));
    });

  test("RFC 6749 §5.2: no authentication at all gets 401 invalid_client", async () => {
    const answer = await token({ grant_type: "client_credentials" });
    assert.deepEqual([answer.status, answer.body.error], [401, "invalid_client"]);
  });

  test("RFC 6749 §4.4: a public client gets unauthorized_client", async () => {
    const client = await createClient(writ(), { token_endpoint_auth_method: "none" });
    const answer = await token({ grant_type: "client_credentials", client_id: client.client_id });
    assert.deepEqual([answer.status, answer.body.error], [400, "unauthorized_client"]);
  });

  test("RFC 6749 §5.2: a client that is not registered for the grant type gets unauthorized_client", async () => {
    const client = await createClient(writ(), { grant_types: ["authorization_code"] });
    const answer = await token({ grant_type: "client_credentials" }, { basic: [client.client_id, client.client_secret] });
    assert.deepEqual([answer.status, answer.body.error], [400, "unauthorized_client"]);
  });

  test("RFC 6749 §5.2: an unknown grant type gets unsupported_grant_type, none invalid_request; names of Object's members are unknown ones", async () => {
    const client = await createClient(writ());
    const basic = [client.client_id, client.client_secret] as const;
    for (const grantType of ["password", "constructor", "__proto__", "toString", "x".repeat(5000)])
      assert.equal((await token({ grant_type: grantType }, { basic })).body.error, "unsupported_grant_type", grantType);
    assert.equal((await token({}, { basic })).body.error, "invalid_request");
    assert.equal((await token({ grant_type: "" }, { basic })).body.error, "invalid_request", "RFC 6749 §3.2: a parameter without a value is absent");
  });

  test("RFC 6749 §3.3: a scope that the client may not ask for gets invalid_scope naming it; bad characters too; none gets the empty scope", async () => {
    const client = await createClient(writ());
    const basic = [client.client_id, client.client_secret] as const;
    const denied = await token({ grant_type: "client_credentials", scope: "read admin" }, { basic });
    assert.deepEqual([denied.status, denied.body.error], [400, "invalid_scope"]);
    assert.match(denied.body.error_description, /^The requested scope is invalid.*admin/);
    assert.equal((await token({ grant_type: "client_credentials", scope: 'read"' }, { basic })).body.error, "invalid_scope");
    assert.equal((await token({ grant_type: "client_credentials" }, { basic })).body.scope, "");
  });

  test("Hydra: audience, repeated or separated by spaces, is granted when the client may have it, else invalid_request names it", async () => {
    const client = await createClient(writ(), { audience: ["https://api.example/v1", "jobs"] });
    const basic = [client.client_id, client.client_secret] as const;
    for (const form of ["audience=https://api.example/v1/x&audience=jobs", "audience=https://api.example/v1/x+jobs"]) {
      const answer = await token(`grant_type=client_credentials&${form}`, { basic });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual((await introspect(writ(), answer.body.access_token)).aud, ["https://api.example/v1/x", "jobs"]);
    }
    const denied = await token({ grant_type: "client_credentials", audience: "https://api.example/v2" }, { basic });
    assert.deepEqual([denied.status, denied.body.error], [400, "invalid_request"]);
    assert.match(denied.body.error_description, /audience/);
  });

  test("RFC 6749 §3.2: a repeated parameter gets invalid_request naming it; an unknown one is ignored", async () => {
    const client = await createClient(writ());
    const basic = [client.client_id, client.client_secret] as const;
    const repeated = await token("grant_type=client_credentials&scope=read&scope=write", { basic });
    assert.deepEqual([repeated.status, repeated.body.error], [400, "invalid_request"]);
    assert.match(repeated.body.error_description, /scope/);
    assert.equal((await token({ grant_type: "client_credentials", anything: "goes" }, { basic })).status, 200);
  });

  test("RFC 6749 §3.2: other methods get 405 with Allow, other content types and broken forms invalid_request, a large body 413", async () => {
    const get = await send(`${writ().publicUrl}/oauth2/token`);
    assert.deepEqual([get.status, get.headers.get("allow")?.includes("POST")], [405, true]);
    for (const headers of [{ "content-type": "application/json" }, { "content-type": "multipart/form-data; boundary=x" }]) {
      const answer = await token("grant_type=client_credentials", { headers });
      assert.deepEqual([answer.status, answer.body.error], [400, "invalid_request"]);
    }
    for (const form of ["grant_type=%zz", "grant_type=%ff", "grant_type=%"]) assert.equal((await token(form)).body?.error, "invalid_request", form);
    assert.equal((await token(`grant_type=${"x".repeat(70_000)}`)).status, 413);
  });

  test("RFC 6749 §2.3.1: credentials in the query string are refused", async () => {
    const client = await createClient(writ(), { token_endpoint_auth_method: "client_secret_post" });
    const query = new URLSearchParams({ client_id: client.client_id, client_secret: client.client_secret });
    const answer = await postForm(`${writ().publicUrl}/oauth2/token?${query}`, { grant_type: "client_credentials" });
    assert.ok(answer.status === 400 || answer.status === 401, String(answer.status));
    assert.ok(!answer.text.includes(client.client_secret));
  });

  test("RFC 6749 §5.2: what a caller sent comes back in a description only with characters that may stand there", async () => {
    const answer = await token({ grant_type: 'x"\\<script>\r\nSet-Cookie: a=b\u00e9' });
    assert.match(answer.body.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/);
  });

  test("client lifespans: client_credentials_grant_access_token_lifespan decides expires_in", async () => {
    const client = await createClient(writ(), { client_credentials_grant_access_token_lifespan: "90s" });
    const answer = await token({ grant_type: "client_credentials" }, { basic: [client.client_id, client.client_secret] });
    assert.equal(answer.body.expires_in, 90);
  });
});

describeWrit(
  "token endpoint under compat: hydra",
  { config: { compat: "hydra" } },
  (writ) => {
    const token = (form: Record<string, string>, options: Parameters<typeof postForm>[2] = {}) => postForm(`${writ().publicUrl}/oauth2/token`, form, options);

    test("hydra.md §2.2, §8.1: prefix ory_at_, token_type bearer, invalid_request for an unknown grant type and for no authentication, invalid_grant for a public client", async () => {
      const client = await createClient(writ());
      const basic = [client.client_id, client.client_secret] as const;
      const answer = await token({ grant_type: "client_credentials" }, { basic });
      assert.match(answer.body.access_token, /^ory_at_/);
      assert.equal(answer.body.token_type, "bearer");
      assert.deepEqual([400, "invalid_request"], await token({ grant_type: "password" }, { basic }).then(({ status, body }) => [status, body.error]));
      assert.deepEqual([400, "invalid_request"], await token({ grant_type: "client_credentials" }).then(({ status, body }) => [status, body.error]));
      const publicClient = await createClient(writ(), { token_endpoint_auth_method: "none" });
      assert.deepEqual(
        [400, "invalid_grant"],
        await token({ grant_type: "client_credentials", client_id: publicClient.client_id }).then(({ status, body }) => [status, body.error]),
      );
      assert.equal((await send(`${writ().publicUrl}/oauth2/token`)).status, 404);
    });
  },
  ["direct"],
);
