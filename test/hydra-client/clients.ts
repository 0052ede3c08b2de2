import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { OAuth2Client } from "@ory/hydra-client";
import { introspect, issueToken } from "../harness/http.ts";
import { assertShape, CLIENT, LIFESPANS, NEW_CLIENT, WRITTEN_CLIENT } from "./shapes.ts";
import { assertDone, assertError, assertJson, got, type HydraSite, readPages } from "./site.ts";

const MACHINE: OAuth2Client = { grant_types: ["client_credentials"], scope: "read write" };

/** Everything that an administrator may say of a client, but for what excludes another. */
const EVERYTHING = {
  client_name: "App",
  redirect_uris: ["https://app.example/cb"],
  grant_types: ["authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"],
  response_types: ["code", "code id_token"],
  scope: "openid offline_access read",
  audience: ["https://api.example"],
  owner: "a team",
  policy_uri: "https://app.example/policy",
  tos_uri: "https://app.example/tos",
  client_uri: "https://app.example/",
  logo_uri: "https://app.example/logo.png",
  contacts: ["a@app.example"],
  allowed_cors_origins: ["https://app.example"],
  subject_type: "pairwise",
  jwks_uri: "https://app.example/jwks",
  token_endpoint_auth_method: "client_secret_post",
  token_endpoint_auth_signing_alg: "ES256",
  request_uris: ["https://app.example/request"],
  request_object_signing_alg: "RS256",
  userinfo_signed_response_alg: "RS256",
  frontchannel_logout_uri: "https://app.example/front",
  frontchannel_logout_session_required: true,
  backchannel_logout_uri: "https://app.example/back",
  backchannel_logout_session_required: true,
  post_logout_redirect_uris: ["https://app.example/bye"],
  metadata: { team: { a: [1, null, "x"] } },
  access_token_strategy: "jwt",
  skip_consent: true,
  skip_logout_consent: true,
  refresh_token_grant_refresh_token_lifespan: "720h0m0s",
} satisfies OAuth2Client;

/** Clients: hydra.md §3.1, §3.2, §4. */
export function clientCases(site: () => HydraSite): void {
  const create = async (metadata: OAuth2Client = MACHINE) => {
    const data = assertJson(await site().admin.createOAuth2Client({ oAuth2Client: metadata }), 201);
    assertShape(data, NEW_CLIENT, "a new client");
    return data;
  };
  const get = async (id: string) => {
    const data = assertJson(await site().admin.getOAuth2Client({ id }));
    assertShape(data, CLIENT, "a client");
    return data;
  };
  const assertUnknown = ({ status, data }: { readonly status: number; readonly data: unknown }) =>
    assert.deepEqual([status, data], [404, { error: "Unable to locate the resource", error_description: "" }]);

  test("hydra.md §3.2, §4.1: createOAuth2Client answers 201 with Location, secret, defaults and null lists; and with every member as it was sent", async () => {
    const answer = await site().admin.createOAuth2Client({ oAuth2Client: { client_name: "App" } });
    const data = assertJson(answer, 201);
    assertShape(data, NEW_CLIENT, "a new client");
    assert.equal(got(answer).headers.location, `/admin/clients/${data.client_id}`);
    assert.match(data.client_secret, /^[\w.~-]{26,}$/);
    assert.equal(data.registration_client_uri, `http://127.0.0.1:4444/oauth2/register/${data.client_id}`);
    assert.match(data.registration_access_token, /^ory_/);
    assert.deepEqual(
      [data.redirect_uris, data.grant_types, data.response_types, data.contacts, data.audience, data.allowed_cors_origins, data.jwks, data.metadata],
      [null, null, null, null, [], [], {}, {}],
    );
    assert.deepEqual(
      [
        data.scope,
        data.subject_type,
        data.token_endpoint_auth_method,
        data.userinfo_signed_response_alg,
        data.client_secret_expires_at,
        data.skip_consent,
        data.skip_logout_consent,
      ],
      ["offline_access offline openid", "public", "client_secret_basic", "none", 0, false, null],
    );
    for (const name of LIFESPANS) assert.equal(data[name], null);

    const full = await create({ ...EVERYTHING, client_id: `app-${randomBytes(6).toString("hex")}`, client_secret: "a secret that is sent" });
    for (const [name, value] of Object.entries(EVERYTHING)) assert.deepEqual(full[name], value, name);
    assert.equal(full.client_secret, "a secret that is sent");
    const read = await get(full.client_id);
    for (const [name, value] of Object.entries(EVERYTHING)) assert.deepEqual(read[name], value, name);
    const spa = await create({ token_endpoint_auth_method: "none" });
    assert.ok(!("client_secret" in spa));
  });

  test("hydra.md §11.2: createOAuth2Client takes empty strings, lists and objects for what is not said, as Hydra's CLI sends them", async () => {
    const empty = ["client_id", "client_secret", "client_name", "owner", "scope", "policy_uri", "tos_uri", "client_uri", "logo_uri", "jwks_uri", "sector_identifier_uri"];
    const data = await create({
      ...Object.fromEntries([...empty, "access_token_strategy", "frontchannel_logout_uri", "backchannel_logout_uri"].map((name) => [name, ""])),
      redirect_uris: [],
      audience: [],
      contacts: [],
      request_uris: [],
      post_logout_redirect_uris: [],
      allowed_cors_origins: [],
      metadata: {},
      subject_type: "public",
      request_object_signing_alg: "RS256",
    });
    assert.ok(!("access_token_strategy" in data) && !("jwks_uri" in data) && data.client_id !== "" && data.client_secret !== "");
  });

  test("hydra.md §4.1, §4.3: createOAuth2Client refuses each member by its rule, and an id that is taken with 409", async () => {
    const refuse = async (metadata: object, error: string | RegExp) => assertError(await site().admin.createOAuth2Client({ oAuth2Client: metadata }), 400, error);
    await refuse({ client_secret: "12345" }, "invalid_client_metadata");
    await refuse({ redirect_uris: ["/cb"] }, "invalid_redirect_uri");
    await refuse({ redirect_uris: ["https://app.example/cb#x"] }, "invalid_redirect_uri");
    for (const name of ["policy_uri", "tos_uri", "client_uri", "logo_uri"]) await refuse({ [name]: "javascript:x" }, "invalid_client_metadata");
    await refuse({ allowed_cors_origins: ["https://app.example/path"] }, "invalid_client_metadata");
    await refuse({ subject_type: "x" }, "invalid_client_metadata");
    await refuse({ jwks: { keys: [] }, jwks_uri: "https://app.example/jwks" }, "invalid_client_metadata");
    await refuse({ token_endpoint_auth_method: "private_key_jwt" }, "invalid_client_metadata");
    await refuse({ userinfo_signed_response_alg: "x" }, "invalid_client_metadata");
    await refuse({ access_token_strategy: "x" }, "invalid_client_metadata");
    await refuse({ redirect_uris: ["https://app.example/cb"], post_logout_redirect_uris: ["https://b.example/"] }, "invalid_client_metadata");
    await refuse({ refresh_token_grant_access_token_lifespan: "soon" }, /./);
    await refuse({ redirect_uris: "https://app.example/cb" }, "The request was malformed or contained invalid parameters");
    const { client_id } = await create();
    const taken = await site().admin.createOAuth2Client({ oAuth2Client: { client_id } });
    assert.deepEqual([taken.status, taken.data], [409, { error: "Unable to insert or update resource because a resource with that value exists already", error_description: "" }]);
  });

  test("hydra.md §3.2: getOAuth2Client shows no secret and [] for lists; one that is not there is 404", async () => {
    const { client_id, created_at } = await create({ client_name: "App" });
    const read = await get(client_id);
    assert.deepEqual([read.redirect_uris, read.grant_types, read.response_types, read.contacts, read.created_at], [[], [], [], [], created_at]);
    assertUnknown(await site().admin.getOAuth2Client({ id: "nobody" }));
  });

  test("hydra.md §3.1: listOAuth2Clients pages by Link and ascending id, filters by name and owner to the letter, and refuses tokens that are none", async () => {
    const owner = `owner-${randomBytes(6).toString("hex")}`;
    for (let i = 0; i < 5; i++) await create({ ...MACHINE, client_id: `${owner}-${i}`, owner, client_name: i === 3 ? owner : "other" });
    const pages = await readPages("/admin/clients", (pageToken) => site().admin.listOAuth2Clients({ owner, pageSize: 2, ...(pageToken === undefined ? {} : { pageToken }) }));
    assert.deepEqual(
      pages.map((page) => page.map(({ client_id }) => client_id)),
      [[0, 1], [2, 3], [4]].map((page) => page.map((i) => `${owner}-${i}`)),
    );
    for (const client of pages.flat()) assertShape(client, CLIENT, "a listed client");
    const named = assertJson(await site().admin.listOAuth2Clients({ owner, clientName: owner }));
    assert.deepEqual(
      named.map(({ client_id }: { client_id: string }) => client_id),
      [`${owner}-3`],
    );
    assert.deepEqual(assertJson(await site().admin.listOAuth2Clients({ owner: owner.toUpperCase() })), []);
    for (const pageSize of [0, -1, 501, 1e9]) assert.equal(assertJson(await site().admin.listOAuth2Clients({ owner, pageSize })).length, 5, String(pageSize));
    assertError(await site().admin.listOAuth2Clients({ pageToken: "none of ours" }), 400, /./, /pagination token/);
    assertError(await site().admin.listOAuth2Clients({ pageSize: "x" as never }), 400, /./, /page_size/);
  });

  test("hydra.md §3.2: setOAuth2Client replaces all but the secret; the path wins; a secret that is sent comes back; 404, 400", async () => {
    const client = await create({ ...MACHINE, owner: "me", client_name: "before" });
    const set = async (metadata: OAuth2Client) => {
      const data = assertJson(await site().admin.setOAuth2Client({ id: client.client_id, oAuth2Client: metadata }));
      assertShape(data, { ...WRITTEN_CLIENT, client_secret: "string?" }, "a replaced client");
      return data;
    };
    const replaced = await set({ client_id: "other", client_name: "after", grant_types: ["client_credentials"] });
    assert.deepEqual([replaced.client_id, replaced.client_name, replaced.owner, replaced.contacts, "client_secret" in replaced], [client.client_id, "after", "", null, false]);
    await issueToken(site().writ, client);
    const renewed = await set({ ...MACHINE, client_secret: "another secret" });
    assert.equal(renewed.client_secret, "another secret");
    await issueToken(site().writ, { ...client, client_secret: "another secret" });
    assertUnknown(await site().admin.setOAuth2Client({ id: "nobody", oAuth2Client: {} }));
    assertError(await site().admin.setOAuth2Client({ id: client.client_id, oAuth2Client: { tos_uri: "x" } }), 400, "invalid_client_metadata");
  });

  test("hydra.md §3.2: patchOAuth2Client adds, removes and replaces, makes parents, and takes a replace of what is not there for an add; 404, 400", async () => {
    const client = await create({ ...MACHINE, owner: "me", client_name: "before", policy_uri: "https://app.example/policy" });
    const patch = (...jsonPatch: { op: string; path: string; value?: unknown }[]) => site().admin.patchOAuth2Client({ id: client.client_id, jsonPatch });
    const patched = assertJson(
      await patch(
        { op: "replace", path: "/client_name", value: "after" },
        { op: "remove", path: "/policy_uri" },
        { op: "add", path: "/metadata/a/b", value: [1] },
        { op: "replace", path: "/jwks_uri", value: "https://app.example/jwks" },
        { op: "add", path: "/redirect_uris/-", value: "https://app.example/cb" },
        { op: "replace", path: "/client_credentials_grant_access_token_lifespan", value: "90m" },
      ),
    );
    assertShape(patched, CLIENT, "a patched client");
    assert.deepEqual(
      [patched.client_name, patched.policy_uri, patched.metadata, patched.jwks_uri, patched.redirect_uris, patched.owner, patched.client_credentials_grant_access_token_lifespan],
      ["after", "", { a: { b: [1] } }, "https://app.example/jwks", ["https://app.example/cb"], "me", "1h30m0s"],
    );
    assert.equal((await patch({ op: "replace", path: "/client_secret", value: "a patched secret" })).status, 200);
    await issueToken(site().writ, { ...client, client_secret: "a patched secret" });
    for (const operation of [
      { op: "replace", path: "/id", value: "x" },
      { op: "replace", path: "/rotated_secrets", value: [] },
      { op: "move", path: "/owner", from: "/client_name" },
    ])
      assertError(await patch(operation as never), 400, "invalid_request");
    assert.equal((await site().admin.patchOAuth2Client({ id: "nobody", jsonPatch: [{ op: "replace", path: "/owner", value: "x" }] })).status, 404);
  });

  test("hydra.md §3.2, §4.2: setOAuth2ClientLifespans replaces them all: what is not sent is null; 404, 400", async () => {
    const { client_id: id } = await create();
    const all = Object.fromEntries(LIFESPANS.map((name) => [name, "1h30m"]));
    const set = assertJson(await site().admin.setOAuth2ClientLifespans({ id, oAuth2ClientTokenLifespans: all }));
    assertShape(set, CLIENT, "a client");
    for (const name of LIFESPANS) assert.equal(set[name], "1h30m0s");
    const one = assertJson(await site().admin.setOAuth2ClientLifespans({ id, oAuth2ClientTokenLifespans: { implicit_grant_access_token_lifespan: "30s" } }));
    assert.deepEqual(
      LIFESPANS.filter((name) => one[name] !== null).map((name) => [name, one[name]]),
      [["implicit_grant_access_token_lifespan", "30s"]],
    );
    assertUnknown(await site().admin.setOAuth2ClientLifespans({ id: "nobody", oAuth2ClientTokenLifespans: {} }));
    assertError(await site().admin.setOAuth2ClientLifespans({ id, oAuth2ClientTokenLifespans: { implicit_grant_access_token_lifespan: "x" } }), 400, /./);
  });

  test("hydra.md §3.2, §3.9: deleteOAuth2Token ends access tokens and not the client; deleteOAuth2Client ends both, and the second time is 404", async () => {
    const client = await create();
    const first = await issueToken(site().writ, client);
    assertDone(await site().admin.deleteOAuth2Token({ clientId: client.client_id }));
    assert.equal((await introspect(site().writ, first)).active, false);
    const second = await issueToken(site().writ, client);
    assert.equal((await introspect(site().writ, second)).active, true);
    assertError(await site().admin.deleteOAuth2Token({ clientId: "" }), 400, /./, /client_id/);
    assertDone(await site().admin.deleteOAuth2Token({ clientId: "nobody" }));
    assertDone(await site().admin.deleteOAuth2Client({ id: client.client_id }));
    assert.equal((await introspect(site().writ, second)).active, false);
    assertUnknown(await site().admin.deleteOAuth2Client({ id: client.client_id }));
  });
}
