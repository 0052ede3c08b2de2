import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { describe, test } from "node:test";
import { create, type JsonValue, toJson } from "@bufbuild/protobuf";
import { TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.ts";
import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { ClientService, type ListClientsRequest, type PatchClientRequest, type UpdateClientLifespansRequest } from "#gen/writ/admin/v1/client_service_pb.ts";
import { JwkService, type UpdateJwkRequest } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { type DeleteAccessTokensRequest, type IntrospectTokenRequest, TokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { postForm, send } from "../harness/http.ts";
import { gatewayOver } from "./stand-in.ts";

const seen: {
  client?: Client | undefined;
  id?: string;
  list?: ListClientsRequest;
  patch?: PatchClientRequest;
  lifespans?: UpdateClientLifespansRequest;
  key?: UpdateJwkRequest;
  tokens?: DeleteAccessTokensRequest;
  introspect?: IntrospectTokenRequest;
  authorization?: string | null;
} = {};

/** A core that gives back what it got, and refuses by name. */
function core(router: ConnectRouter): void {
  router.service(ClientService, {
    createClient({ client }, { requestHeader }) {
      seen.client = client;
      seen.authorization = requestHeader.get("authorization");
      if (client?.clientId === "taken") throw new ConnectError("", Code.AlreadyExists);
      if (client?.clientId === "bad")
        throw new ConnectError("no", Code.InvalidArgument, undefined, [
          { desc: OAuthErrorDetailSchema, value: { error: "invalid_redirect_uri", errorDescription: "redirect_uris: has a fragment", status: 400 } },
        ]);
      return {
        client: { ...create(ClientSchema, client), clientId: client?.clientId || "made/here", createdAt: create(TimestampSchema, { seconds: 1767225845n, nanos: 999_000_000 }) },
      };
    },
    getClient({ clientId }) {
      seen.id = clientId;
      if (clientId === "bug") throw new Error("SELECT 1");
      if (clientId === "forbidden") throw new ConnectError("gateway may not call writ.admin.v1.ClientService/GetClient", Code.PermissionDenied);
      if (clientId === "down") throw new ConnectError("core cannot be reached", Code.Unavailable);
      if (clientId === "unknown") throw new ConnectError("", Code.NotFound);
      return { client: { clientId } };
    },
    listClients(request) {
      seen.list = request;
      return { clients: [{ clientId: "a" }, { clientId: "b" }], nextPageToken: request.pageToken === "last" ? "" : "n=x" };
    },
    updateClient: ({ client }) => ({ client: client ?? {} }),
    patchClient(request) {
      seen.patch = request;
      return { client: {} };
    },
    deleteClient: () => ({}),
    updateClientLifespans(request) {
      seen.lifespans = request;
      return { client: { lifespans: request.lifespans ?? {} } };
    },
  });
  router.service(JwkService, {
    createJwk: ({ set }) => ({ keySet: { keys: [{ kty: "EC", kid: set }] } }),
    updateJwk(request) {
      seen.key = request;
      return { key: request.key ?? {} };
    },
  });
  router.service(TokenService, {
    introspectToken(request) {
      seen.introspect = request;
      return { introspection: request.token === "good" ? { active: true, token: { sub: "s", ext: { a: [1] } } } : { active: false } };
    },
    deleteAccessTokens(request) {
      seen.tokens = request;
      return {};
    },
  });
  router.service(MetadataService, { getVersion: () => ({ version: "1.2.3" }) });
  router.service(Health, { check: () => ({ status: Status.SERVING }) });
}

const MALFORMED = "The request was malformed or contained invalid parameters";

describe("the admin REST API", async () => {
  const { adminUrl, requests } = await gatewayOver(core, { urls: { self: { issuer: "https://i.example" } } });
  const json = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    send(adminUrl + path, { method, headers: { "content-type": "application/json", ...headers }, body: typeof body === "string" ? body : JSON.stringify(body) });

  test("a client is created: status, Location, whole seconds, null lists, lifespans that are always there", async () => {
    const { status, headers, body } = await json("POST", "/admin/clients", { client_name: "n", audience: [], scope: "" }, { authorization: "Bearer t" });
    assert.equal(status, 201);
    assert.equal(seen.authorization, "Bearer t");
    assert.equal(headers.get("location"), "/admin/clients/made%2Fhere");
    assert.equal(headers.get("cache-control"), "private, no-cache, no-store, must-revalidate");
    assert.deepEqual(
      [
        body.client_id,
        body.created_at,
        body.redirect_uris,
        body.contacts,
        body.audience,
        body.allowed_cors_origins,
        body.metadata,
        body.jwks,
        body.scope,
        body.skip_consent,
        body.skip_logout_consent,
        body.client_secret_expires_at,
      ],
      ["made/here", "2026-01-01T00:04:05Z", null, null, [], [], {}, {}, "", false, null, 0],
    );
    for (const absent of ["client_secret", "jwks_uri", "request_uris", "frontchannel_logout_session_required", "updated_at", "lifespans"]) assert.ok(!(absent in body), absent);
    assert.equal(Object.keys(body).filter((name) => name.endsWith("_lifespan") && body[name] === null).length, 13);
  });

  test("members: unknown ones are ignored, null and the empty string are absent, lifespans stand in the client", async () => {
    await json("POST", "/clients/", {
      client_id: "",
      clientId: "camel",
      owner: null,
      jwks_uri: "",
      created_at: "",
      response_types: null,
      skip_consent: true,
      client_credentials_grant_access_token_lifespan: "1h",
      jwt_bearer_grant_access_token_lifespan: null,
      constructor: 1,
      nonsense: { a: [] },
      metadata: { deep: [{ x: 1.5 }], constructor: 2 },
    });
    const client = seen.client;
    assert.deepEqual([client?.clientId, client?.owner, client?.jwksUri, client?.createdAt, client?.skipConsent], ["", "", "", undefined, true]);
    assert.deepEqual([client?.lifespans?.clientCredentialsGrantAccessTokenLifespan, client?.lifespans?.jwtBearerGrantAccessTokenLifespan], ["1h", undefined]);
    assert.deepEqual({ ...client?.metadata }, { deep: [{ x: 1.5 }], constructor: 2 });
    assert.equal(seen.authorization, null);
  });

  for (const [body, says] of [
    ["{", "The body is no JSON"],
    ["", "The body is empty"],
    ["[]", "The body is no JSON object but an array"],
    ["null", "The body is no JSON object but null"],
    ['{"redirect_uris":"x"}', "'redirect_uris' is no JSON array but a string"],
    ['{"redirect_uris":["a",1]}', "'redirect_uris[1]' is no string of characters"],
    ['{"client_name":1}', "'client_name' is no string of characters"],
    ['{"skip_consent":"true"}', "'skip_consent' is no boolean"],
    ['{"client_secret_expires_at":"1"}', "'client_secret_expires_at' is no whole number from 0 to 4294967295"],
    ['{"client_secret_expires_at":1e999}', "'client_secret_expires_at' is no whole number from 0 to 4294967295"],
    ['{"created_at":"yesterday"}', "'created_at' is no time such as 2026-01-02T03:04:05Z (RFC 3339 ?5.6)"],
    ['{"metadata":[1]}', "'metadata' is no JSON object but an array"],
    ['{"metadata":{"a":{"\\u005f_proto__":{}}}}', "'metadata.a' has a member '__proto__', which is not allowed"],
    ['{"metadata":{"a":1e999}}', "'metadata.a' is too large a number"],
    ['{"client_name":"\\ud800"}', "'client_name' is no string of characters"],
  ] as const)
    test(`RFC 8259: ${body === "" ? "an empty body" : body} gets 400 that names the member`, async () => {
      const answer = await json("POST", "/admin/clients", body);
      assert.deepEqual([answer.status, answer.body], [400, { error: MALFORMED, error_description: says }]);
    });

  test("a body that nests without end gets 400", async () => {
    const answer = await json("POST", "/admin/clients", `{"metadata":{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}}`);
    assert.deepEqual([answer.status, answer.body.error], [400, MALFORMED]);
    assert.match(answer.body.error_description, /deeper than 30 levels/);
  });

  test("`__proto__` beside the members changes nothing", async () => {
    assert.equal((await json("POST", "/admin/clients", '{"__proto__":{"client_name":"evil"},"owner":"o"}')).status, 201);
    assert.deepEqual([seen.client?.clientName, seen.client?.owner], ["", "o"]);
  });

  test("a body above 1 MiB gets 413; one of another content type 400", async () => {
    assert.equal((await json("POST", "/admin/clients", `{"owner":"${"x".repeat(1_100_000)}"}`)).status, 413);
    const plain = await json("POST", "/admin/clients", "{}", { "content-type": "text/plain" });
    assert.deepEqual([plain.status, plain.body.error_description], [400, "The request is not of the content type application/json"]);
  });

  test("a path segment is decoded; one that cannot be is no path", async () => {
    assert.equal((await send(`${adminUrl}/admin/clients/a%2Fb%20%C3%A9%3F`)).body.client_id, "a/b é?");
    assert.equal((await send(`${adminUrl}/admin/clients/%E0%A4%A`)).status, 404);
    assert.equal((await send(`${adminUrl}/admin/clients/${"x".repeat(2000)}`)).status, 404);
    assert.equal((await send(`${adminUrl}/admin/clients//`, { method: "DELETE" })).status, 404);
  });

  test("the path wins over the body", async () => {
    await json("PUT", "/admin/keys/set/k1", { kid: "k2", kty: "oct", k: "AA", alg: "HS256", use: "sig" });
    assert.deepEqual([seen.key?.set, seen.key?.kid, seen.key?.key?.kid], ["set", "k1", "k2"]);
    assert.deepEqual((await json("POST", "/admin/keys/a%20b", { set: "other", alg: "ES256" })).headers.get("location"), "https://i.example/keys/a%20b");
  });

  test("RFC 6902: a patch is a list at the top, and its values may be anything", async () => {
    const patch = [
      { op: "replace", path: "/client_name", value: "" },
      { op: "add", path: "/metadata/a", value: null },
      { op: "remove", path: "/owner" },
    ];
    assert.equal((await json("PATCH", "/admin/clients/a", patch, { "content-type": "application/json-patch+json" })).status, 200);
    assert.deepEqual(
      seen.patch?.patch.map(({ op, value }): [string, JsonValue | undefined] => [op, value && toJson(ValueSchema, value)]),
      [
        ["replace", ""],
        ["add", null],
        ["remove", undefined],
      ],
    );
    assert.equal((await json("PATCH", "/admin/clients/a", {})).body.error_description, "The body is no JSON array");
    assert.equal((await json("PATCH", "/admin/clients/a", [1])).body.error_description, "'[0]' is no JSON object but a number");
  });

  test("lifespans are replaced by a body of their own", async () => {
    const { body } = await json("PUT", "/admin/clients/a/lifespans", { authorization_code_grant_id_token_lifespan: "5m0s" });
    assert.deepEqual([body.authorization_code_grant_id_token_lifespan, body.jwt_bearer_grant_access_token_lifespan, seen.lifespans?.clientId], ["5m0s", null, "a"]);
  });

  test("RFC 8288 §3: a page links to the first and the next, other parameters kept", async () => {
    const { headers, body } = await send(`${adminUrl}/clients?page_size=2&owner=a%20b`);
    assert.deepEqual(
      body.map(({ client_id }: { client_id: string }) => client_id),
      ["a", "b"],
    );
    assert.deepEqual(body[0].redirect_uris, []);
    assert.deepEqual([seen.list?.pageSize, seen.list?.owner], [2, "a b"]);
    assert.equal(headers.get("link"), '</clients?page_size=2&owner=a+b&page_token=>; rel="first",</clients?page_size=2&owner=a+b&page_token=n%3Dx>; rel="next"');
    assert.equal((await send(`${adminUrl}/admin/clients?page_token=last`)).headers.get("link"), '</admin/clients?page_token=&page_size=100>; rel="first"');
  });

  test("a query parameter of the wrong type gets 400 that names it; one beyond the type is the type's limit", async () => {
    const { status, body } = await send(`${adminUrl}/admin/clients?page_size=many`);
    assert.deepEqual([status, body.error], [400, MALFORMED]);
    assert.match(body.error_description, /'page_size'/);
    assert.match((await send(`${adminUrl}/admin/clients?owner=a&owner=b`)).body.error_description, /'owner' is sent more than once/);
    await send(`${adminUrl}/admin/clients?page_size=99999999999&page_token=`);
    assert.deepEqual([seen.list?.pageSize, seen.list?.pageToken], [2147483647, ""]);
  });

  test("RFC 7662 §2.2: introspection takes a form and answers as Hydra", async () => {
    assert.equal((await postForm(`${adminUrl}/admin/oauth2/introspect`, { token: "bad", scope: "a b" })).text, '{"active":false}');
    assert.equal(seen.introspect?.scope, "a b");
    assert.deepEqual((await postForm(`${adminUrl}/oauth2/introspect`, { token: "good" })).body, { active: true, sub: "s", aud: [], ext: { a: [1] } });
    assert.equal((await postForm(`${adminUrl}/oauth2/introspect`, "token=a&token=b")).body.error, "invalid_request");
    assert.equal((await json("POST", "/oauth2/introspect", { token: "good" })).body.error, "invalid_request");
    assert.equal((await send(`${adminUrl}/oauth2/introspect`, { method: "POST" })).body.error, "invalid_request");
  });

  test("what answers nothing answers 204", async () => {
    const { status, text } = await send(`${adminUrl}/admin/oauth2/tokens?client_id=c`, { method: "DELETE" });
    assert.deepEqual([status, text, seen.tokens?.clientId], [204, "", "c"]);
  });

  for (const [id, headers, status, error] of [
    ["unknown", {}, 404, "Unable to locate the resource"],
    ["down", {}, 503, "temporarily_unavailable"],
    ["bug", {}, 500, "error"],
    ["forbidden", { authorization: "Bearer x" }, 403, "The requested action was forbidden"],
    ["forbidden", {}, 401, "The request could not be authorized"],
  ] as const)
    test(`an error of core is told as Hydra does: ${status} ${error}`, async () => {
      const answer = await send(`${adminUrl}/admin/clients/${id}`, { headers });
      assert.deepEqual([answer.status, answer.body.error, Object.keys(answer.body)], [status, error, ["error", "error_description"]]);
      assert.doesNotMatch(answer.text, /SELECT|rpc|stack/);
      assert.equal(answer.headers.get("www-authenticate"), status === 401 ? 'Bearer realm="writ admin"' : null);
      assert.equal(requests.at(-1)?.route, "/admin/clients/{client_id}");
    });

  test("RFC 7591 §3.2.2: a metadata error keeps its code; a name that is taken is a 409", async () => {
    const bad = await json("POST", "/admin/clients", { client_id: "bad" });
    assert.deepEqual([bad.status, bad.body], [400, { error: "invalid_redirect_uri", error_description: "redirect_uris: has a fragment" }]);
    const taken = await json("POST", "/admin/clients", { client_id: "taken" });
    assert.deepEqual([taken.status, taken.body], [409, { error: "Unable to insert or update resource because a resource with that value exists already", error_description: "" }]);
  });

  test("RFC 9110 §15.5.6: a method that a path does not have gets 405 and is told which there are", async () => {
    const answer = await send(`${adminUrl}/admin/clients/a`, { method: "POST" });
    assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "GET, PUT, PATCH, DELETE, HEAD"]);
    assert.equal((await send(`${adminUrl}/health/alive`, { method: "POST" })).status, 405);
    assert.equal((await send(`${adminUrl}/admin/nothing`)).status, 404);
  });

  test("version, health and HEAD", async () => {
    assert.deepEqual((await send(`${adminUrl}/version`)).body, { version: "1.2.3" });
    assert.deepEqual((await send(`${adminUrl}/health/ready`)).body, { status: "ok" });
    const head = await send(`${adminUrl}/admin/clients/a`, { method: "HEAD" });
    assert.deepEqual([head.status, head.text], [200, ""]);
  });
});

/** Sends a request with a Host header of choice, which `fetch` does not let one set. */
function ask(url: string, headers: Record<string, string>, method = "GET"): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject).end();
  });
}

describe("the admin port and pages in a browser", async () => {
  const { adminUrl } = await gatewayOver(core);

  test("a page that rebinds its name to the loopback address gets 403", async () => {
    for (const host of ["evil.test", "evil.test:4445", "localhost.evil.test", "10.0.0.1"]) assert.equal(await ask(`${adminUrl}/version`, { host }), 403, host);
    for (const host of ["localhost:4445", "LOCALHOST", "127.0.0.1", "[::1]:4445", "writ.localhost"]) assert.equal(await ask(`${adminUrl}/version`, { host }), 200, host);
  });
  test("Fetch §3.2: a page of another origin gets 403, even with a form that needs no preflight", async () => {
    for (const origin of ["https://evil.test", "null", adminUrl])
      assert.equal((await postForm(`${adminUrl}/admin/oauth2/introspect`, { token: "good" }, { headers: { origin } })).status, 403, origin);
    assert.equal(await ask(`${adminUrl}/version`, { "sec-fetch-site": "cross-site" }), 403);
    assert.equal(await ask(`${adminUrl}/admin/clients`, { origin: "https://evil.test", "access-control-request-method": "POST" }, "OPTIONS"), 403);
  });
  test("a page that is configured may use it", async () => {
    const open = await gatewayOver(core, { serve: { admin: { cors: { enabled: true, allowed_origins: ["https://console.example"] } } } });
    const answer = await send(`${open.adminUrl}/version`, { headers: { origin: "https://console.example" } });
    assert.deepEqual([answer.status, answer.headers.get("access-control-allow-origin")], [200, "https://console.example"]);
    assert.equal(await ask(`${open.adminUrl}/version`, { origin: "https://evil.test" }), 403);
    assert.equal(await ask(`${open.adminUrl}/admin/clients`, { origin: "https://console.example", "access-control-request-method": "POST" }, "OPTIONS"), 204);
  });
  test("where CORS is on without a list of pages, none may", async () => {
    const open = await gatewayOver(core, { serve: { admin: { cors: { enabled: true } } } });
    assert.equal(await ask(`${open.adminUrl}/version`, { origin: "https://evil.test" }), 403);
  });
  test("where credentials are asked for, a proxy may use any name", async () => {
    const closed = await gatewayOver(core, { access: { tokens: [{ name: "ops", token: "0123456789abcdef0123456789abcdef", roles: ["admin"] }] } });
    assert.equal(await ask(`${closed.adminUrl}/version`, { host: "admin.example" }), 200);
  });
});
