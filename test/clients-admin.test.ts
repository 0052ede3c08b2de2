import assert from "node:assert/strict";
import { test } from "node:test";
import { Configuration, JwkApi, MetadataApi, OAuth2Api } from "@ory/hydra-client";
import { createClient, introspect, issueToken, postForm, send, sendJson } from "./harness/http.ts";
import { describeWrit } from "./harness/writ.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describeWrit("admin clients", {}, (writ) => {
  test("hydra.md §3.2, §4.1: POST answers 201 with Location, a UUID, a generated secret, Hydra's defaults and null lists; GET answers [] and no secret", async () => {
    const created = await sendJson(writ(), "POST", "/admin/clients", { client_name: "App" });
    assert.equal(created.status, 201, created.text);
    const { client_id, client_secret, created_at, updated_at, ...rest } = created.body;
    assert.match(client_id, UUID);
    assert.ok(client_secret.length >= 26);
    assert.equal(created.headers.get("location"), `/admin/clients/${client_id}`);
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(updated_at, created_at);
    const nulls = Object.fromEntries(Object.entries(rest).filter(([, value]) => value === null));
    assert.deepEqual(
      Object.keys(nulls)
        .filter((name) => !name.endsWith("_lifespan"))
        .toSorted(),
      ["contacts", "grant_types", "redirect_uris", "response_types", "skip_logout_consent"],
    );
    assert.equal(Object.keys(nulls).filter((name) => name.endsWith("_lifespan")).length, 13);
    assert.deepEqual(Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null)), {
      client_name: "App",
      client_secret_expires_at: 0,
      scope: "offline_access offline openid",
      audience: [],
      owner: "",
      policy_uri: "",
      tos_uri: "",
      client_uri: "",
      logo_uri: "",
      allowed_cors_origins: [],
      subject_type: "public",
      jwks: {},
      token_endpoint_auth_method: "client_secret_basic",
      userinfo_signed_response_alg: "none",
      metadata: {},
      skip_consent: false,
    });
    const read = await sendJson(writ(), "GET", `/admin/clients/${client_id}`);
    assert.ok(!("client_secret" in read.body));
    assert.deepEqual([read.body.redirect_uris, read.body.contacts], [[], []]);
  });

  test("hydra.md §3.2: an id that is taken is 409; an unknown one 404; broken JSON and wrong types 400 naming the member", async () => {
    const client = await createClient(writ());
    const taken = await sendJson(writ(), "POST", "/admin/clients", { client_id: client.client_id });
    assert.deepEqual([taken.status, taken.body.error], [409, "Unable to insert or update resource because a resource with that value exists already"]);
    const missing = await sendJson(writ(), "GET", "/admin/clients/nobody");
    assert.deepEqual([missing.status, missing.body], [404, { error: "Unable to locate the resource", error_description: "" }]);
    const broken = await send(`${writ().adminUrl}/admin/clients`, { method: "POST", headers: { "content-type": "application/json" }, body: "{" });
    assert.equal(broken.status, 400);
    const wrong = await sendJson(writ(), "POST", "/admin/clients", { redirect_uris: "https://x" });
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.error_description, /redirect_uris/);
  });

  test("hydra.md §3.2: PUT replaces all but the secret; the new secret works when one is sent", async () => {
    const client = await createClient(writ(), { client_name: "before", owner: "me" });
    const put = await sendJson(writ(), "PUT", `/admin/clients/${client.client_id}`, { client_name: "after", grant_types: ["client_credentials"] });
    assert.deepEqual([put.status, put.body.client_name, put.body.owner, "client_secret" in put.body], [200, "after", "", false]);
    await issueToken(writ(), client);
    const renewed = await sendJson(writ(), "PUT", `/admin/clients/${client.client_id}`, { client_secret: "a new secret", grant_types: ["client_credentials"] });
    assert.equal(renewed.body.client_secret, "a new secret");
    await issueToken(writ(), { ...client, client_secret: "a new secret" });
    await assert.rejects(issueToken(writ(), client), /invalid_client/);
  });

  test("hydra.md §3.2: PATCH adds, removes and replaces; a secret may be set; ids, unknown operations and __proto__ are refused whole", async () => {
    const client = await createClient(writ(), { client_name: "before" });
    const patch = (operations: unknown) => sendJson(writ(), "PATCH", `/admin/clients/${client.client_id}`, operations);
    const done = await patch([
      { op: "replace", path: "/client_name", value: "after" },
      { op: "add", path: "/metadata/team", value: { a: [1] } },
      { op: "add", path: "/redirect_uris/-", value: "https://app.example/cb" },
    ]);
    assert.deepEqual(
      [done.status, done.body?.client_name, done.body?.metadata, done.body?.redirect_uris],
      [200, "after", { team: { a: [1] } }, ["https://app.example/cb"]],
      done.text,
    );
    assert.equal((await patch([{ op: "replace", path: "/client_secret", value: "patched secret" }])).status, 200);
    await issueToken(writ(), { ...client, client_secret: "patched secret" });
    for (const bad of [
      [
        { op: "replace", path: "/client_name", value: "half" },
        { op: "move", from: "/owner", path: "/client_name" },
      ],
      [{ op: "replace", path: "/client_id", value: "other" }],
      [{ op: "add", path: "/__proto__/polluted", value: true }],
      [{ op: "add", path: "/metadata/constructor/prototype/polluted", value: true }],
      [{ op: "replace", path: "/redirect_uris", value: "no list" }],
      { op: "replace" },
      "x",
    ])
      assert.equal((await patch(bad)).status, 400, JSON.stringify(bad));
    assert.equal((await sendJson(writ(), "GET", `/admin/clients/${client.client_id}`)).body.client_name, "after");
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  test("hydra.md §3.1: lists are paged by Link with first and next, filtered by owner and name, and other parameters are kept", async () => {
    const owner = `owner-${Date.now()}`;
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push((await createClient(writ(), { client_id: `${owner}-${i}`, owner })).client_id);
    let path: string | undefined = `/admin/clients?owner=${owner}&page_size=2`;
    const seen: string[] = [];
    while (path !== undefined) {
      const page = await sendJson(writ(), "GET", path);
      assert.equal(page.status, 200, page.text);
      seen.push(...page.body.map(({ client_id }: { client_id: string }) => client_id));
      const link = page.headers.get("link") ?? "";
      assert.match(link, /rel="first"/);
      path = /<([^>]+)>; ?rel="next"/.exec(link)?.[1];
    }
    assert.deepEqual(seen, ids);
    for (const query of ["page_token=garbage", "page_size=abc"]) assert.equal((await sendJson(writ(), "GET", `/admin/clients?${query}`)).status, 400, query);
  });

  test("hydra.md §4.2: PUT lifespans replaces all of them", async () => {
    const client = await createClient(writ());
    const path = `/admin/clients/${client.client_id}/lifespans`;
    const set = await sendJson(writ(), "PUT", path, { client_credentials_grant_access_token_lifespan: "90m", refresh_token_grant_id_token_lifespan: "10s" });
    assert.deepEqual([set.status, set.body.client_credentials_grant_access_token_lifespan, set.body.refresh_token_grant_id_token_lifespan], [200, "1h30m0s", "10s"]);
    const reset = await sendJson(writ(), "PUT", path, {});
    assert.equal(reset.body.client_credentials_grant_access_token_lifespan, null);
    const bad = await sendJson(writ(), "PUT", path, { client_credentials_grant_access_token_lifespan: "soon" });
    assert.equal(bad.status, 400);
    assert.match(bad.body.error_description, /client_credentials_grant_access_token_lifespan/);
  });

  test("hydra.md §11.2: what Hydra's CLI sends empty means not set", async () => {
    const created = await sendJson(writ(), "POST", "/admin/clients", {
      client_id: "",
      client_secret: "",
      jwks_uri: "",
      access_token_strategy: "",
      sector_identifier_uri: "",
      contacts: [],
      metadata: {},
      request_object_signing_alg: "RS256",
      post_logout_redirect_uris: [],
    });
    assert.equal(created.status, 201, created.text);
    assert.match(created.body.client_id, UUID);
  });
});

describeWrit("@ory/hydra-client", {}, (writ) => {
  const configuration = () => new Configuration({ basePath: writ().adminUrl });

  test("creates, gets, lists, sets, patches and deletes clients, sets lifespans, introspects and ends tokens", async () => {
    const api = new OAuth2Api(configuration());
    const { data: created } = await api.createOAuth2Client({ oAuth2Client: { client_name: "sdk", grant_types: ["client_credentials"], scope: "read" } });
    const id = created.client_id ?? assert.fail();
    assert.equal((await api.getOAuth2Client({ id })).data.client_name, "sdk");
    assert.ok((await api.listOAuth2Clients({ clientName: "sdk", pageSize: 500 })).data.some((each) => each.client_id === id));
    assert.equal((await api.patchOAuth2Client({ id, jsonPatch: [{ op: "replace", path: "/owner", value: "me" }] })).data.owner, "me");
    assert.equal(
      (await api.setOAuth2ClientLifespans({ id, oAuth2ClientTokenLifespans: { client_credentials_grant_access_token_lifespan: "2m" } })).data
        .client_credentials_grant_access_token_lifespan,
      "2m0s",
    );
    const token = await issueToken(writ(), { client_id: id, client_secret: created.client_secret ?? "" }, { scope: "read" });
    const { data: introspected } = await api.introspectOAuth2Token({ token, scope: "read" });
    assert.deepEqual([introspected.active, introspected.client_id, introspected.sub, introspected.token_use], [true, id, id, "access_token"]);
    await api.deleteOAuth2Token({ clientId: id });
    assert.deepEqual(await introspect(writ(), token), { active: false });
    assert.equal((await api.setOAuth2Client({ id, oAuth2Client: { client_name: "renamed" } })).data.client_name, "renamed");
    await api.deleteOAuth2Client({ id });
    await assert.rejects(api.getOAuth2Client({ id }), /404/);
  });

  test("creates, gets, sets and deletes JSON Web Keys; reads version, alive and ready", async () => {
    const api = new JwkApi(configuration());
    const set = `set-${Date.now()}`;
    const { data: created } = await api.createJsonWebKeySet({ set, createJsonWebKeySet: { alg: "ES256", kid: "", use: "sig" } });
    const [key] = created.keys ?? [];
    assert.ok(key?.d !== undefined && key.kid !== "");
    assert.deepEqual(
      (await api.getJsonWebKeySet({ set })).data.keys?.map(({ kid }) => kid),
      [key.kid],
    );
    assert.equal((await api.getJsonWebKey({ set, kid: key.kid })).data.keys?.length, 1);
    assert.equal((await api.setJsonWebKey({ set, kid: "other", jsonWebKey: { ...key, kid: "other" } })).data.kid, "other");
    assert.equal((await api.setJsonWebKeySet({ set, jsonWebKeySet: { keys: [key] } })).data.keys?.length, 1);
    await api.deleteJsonWebKey({ set, kid: key.kid });
    await api.deleteJsonWebKeySet({ set });
    await assert.rejects(api.getJsonWebKeySet({ set }), /404/);
    const metadata = new MetadataApi(configuration());
    assert.equal((await metadata.getVersion()).data.version, "0.0.0-test");
    assert.equal((await metadata.isAlive()).data.status, "ok");
    assert.equal((await metadata.isReady()).data.status, "ok");
  });

  test("RFC 6749: a token for the client by its form parameters, once it is registered for client_secret_post", async () => {
    const api = new OAuth2Api(configuration());
    const { data: created } = await api.createOAuth2Client({ oAuth2Client: { grant_types: ["client_credentials"], token_endpoint_auth_method: "client_secret_post" } });
    const answer = await postForm(`${writ().publicUrl}/oauth2/token`, {
      grant_type: "client_credentials",
      client_id: created.client_id ?? "",
      client_secret: created.client_secret ?? "",
    });
    assert.equal(answer.status, 200);
  });
});
