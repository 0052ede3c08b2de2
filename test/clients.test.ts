import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type JsonObject } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { createClient as createRpcClient } from "@connectrpc/connect";
import { ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import type { EpochMillis } from "#lib/time.ts";
import { createClient, issueToken, postForm, sendJson } from "./harness/http.ts";
import { describeWrit, startWrit } from "./harness/writ.ts";

let offset = 0;
const clock = () => (Date.now() + offset) as EpochMillis;

describeWrit("clients", { clock }, (writ) => {
  const patch = (id: string, operations: unknown) => sendJson(writ(), "PATCH", `/admin/clients/${id}`, operations);

  test("hydra.md §3.2: patches made at once by many all hold", async () => {
    const { client_id } = await createClient(writ());
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => patch(client_id, [{ op: "add", path: `/metadata/m${i}`, value: i }])));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200, 200],
    );
    assert.deepEqual((await sendJson(writ(), "GET", `/admin/clients/${client_id}`)).body.metadata, { m0: 0, m1: 1, m2: 2, m3: 3, m4: 4, m5: 5 });
  });

  test("RFC 6902 §4: test guards what follows; remove and add work on lifespans, lists and paths that are made on the way", async () => {
    const { client_id } = await createClient(writ(), { owner: "me" });
    const done = await patch(client_id, [
      { op: "test", path: "/owner", value: "me" },
      { op: "add", path: "/metadata/a~1b/c", value: null },
      { op: "replace", path: "/implicit_grant_access_token_lifespan", value: "2h" },
      { op: "add", path: "/contacts/0", value: "first" },
      { op: "add", path: "/contacts/-", value: "last" },
      { op: "remove", path: "/owner" },
    ]);
    assert.equal(done.status, 200, done.text);
    assert.deepEqual(
      [done.body.metadata, done.body.implicit_grant_access_token_lifespan, done.body.contacts, done.body.owner],
      [{ "a/b": { c: null } }, "2h0m0s", ["first", "last"], ""],
    );
    const guarded = await patch(client_id, [
      { op: "test", path: "/owner", value: "me" },
      { op: "add", path: "/owner", value: "thief" },
    ]);
    assert.equal(guarded.status, 400);
    assert.equal((await sendJson(writ(), "GET", `/admin/clients/${client_id}`)).body.owner, "");
  });

  test("RFC 6902: what cannot be applied is a 400 and changes nothing", async () => {
    const { client_id } = await createClient(writ());
    const before = (await sendJson(writ(), "GET", `/admin/clients/${client_id}`)).body;
    for (const operation of [
      { op: "remove", path: "/metadata/missing" },
      { op: "add", path: "/contacts/7", value: "x" },
      { op: "add", path: "/contacts/-1", value: "x" },
      { op: "add", path: "/contacts/x", value: "x" },
      { op: "add", path: "/contacts/-/x", value: "x" },
      { op: "add", path: "/client_name/x", value: "x" },
      { op: "add", path: "/client_name" },
      { op: "add", path: "client_name", value: "x" },
      { op: "replace", path: "", value: {} },
      { op: "copy", from: "/owner", path: "/client_name" },
      { op: "_get", path: "/client_name" },
      { op: "replace", path: "/created_at", value: "2000-01-01T00:00:00Z" },
      { op: "replace", path: "/id", value: "x" },
      { op: "add", path: "/rotated_secrets/0", value: "x" },
      { op: "replace", path: "/client_secret", value: "short" },
      { op: "replace", path: "/client_secret", value: 123456 },
      { op: "replace", path: "/redirect_uris", value: ["javascript:alert(1)"] },
      { op: "add", path: "/metadata/__proto__/x", value: 1 },
      { op: "add", path: "/metadata/constructor/prototype/x", value: 1 },
      { op: "replace", path: "/implicit_grant_access_token_lifespan", value: "999999999h" },
    ])
      assert.equal((await patch(client_id, [operation])).status, 400, JSON.stringify(operation));
    assert.equal(
      (
        await patch(
          client_id,
          Array.from({ length: 501 }, () => ({ op: "test", path: "/owner", value: "" })),
        )
      ).status,
      400,
    );
    assert.deepEqual((await sendJson(writ(), "GET", `/admin/clients/${client_id}`)).body, before);
  });

  test("hydra.md §3.2: a client that becomes public loses its secret, one that becomes confidential gets one, and created_at stays", async () => {
    const client = await createClient(writ());
    const path = `/admin/clients/${client.client_id}`;
    const { created_at } = (await sendJson(writ(), "GET", path)).body;
    const open = await sendJson(writ(), "PUT", path, { token_endpoint_auth_method: "none", client_secret: "is dropped" });
    assert.deepEqual([open.status, "client_secret" in open.body, open.body.created_at], [200, false, created_at]);
    const closed = await sendJson(writ(), "PUT", path, { grant_types: ["client_credentials"] });
    assert.notEqual(closed.body.client_secret, client.client_secret);
    await issueToken(writ(), { ...client, client_secret: closed.body.client_secret });
    await assert.rejects(issueToken(writ(), client), /invalid_client/);
  });

  test("hydra.md §3.1: a page token is good for its own list and for an hour", async () => {
    const owner = `pages-${Date.now()}`;
    for (let i = 0; i < 2; i++) await createClient(writ(), { owner });
    const page = await sendJson(writ(), "GET", `/admin/clients?owner=${owner}&page_size=1`);
    const token = /page_token=([^&>]+)>; ?rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? assert.fail(page.headers.get("link") ?? "no Link");
    const next = (query: string) => sendJson(writ(), "GET", `/admin/clients?${query}`);
    assert.equal((await next(`owner=${owner}&page_token=${token}`)).body.length, 1);
    const foreign = await next(`owner=another&page_token=${token}`);
    assert.equal(foreign.status, 400);
    assert.match(foreign.text, /invalid pagination token/);
    try {
      offset = 3_601_000;
      const expired = await next(`owner=${owner}&page_token=${token}`);
      assert.deepEqual([expired.status, /expired/.test(expired.text)], [400, true]);
    } finally {
      offset = 0;
    }
  });

  test("RPC: metadata that could be stored and not be read again is refused, and the list goes on working", async () => {
    const transport = createNetworkTransport({ baseUrl: writ().rpcUrl });
    try {
      const rpc = createRpcClient(ClientService, transport);
      let deep: JsonObject = {};
      for (let i = 0; i < 30; i++) deep = { a: deep };
      await assert.rejects(rpc.createClient({ client: { metadata: deep } }), /metadata/);
      const { client } = await rpc.createClient({ client: {} });
      const value = create(ValueSchema, { kind: { case: "numberValue", value: Number.POSITIVE_INFINITY } });
      await assert.rejects(rpc.patchClient({ clientId: client?.clientId ?? "", patch: [{ op: "add", path: "/metadata/x", value }] }), (error) => !/internal/.test(String(error)));
      const smuggler = create(ClientSchema, { clientName: "smuggler" });
      smuggler.$unknown = [{ no: 900, wireType: 2, data: new Uint8Array([1, 120]) }];
      const made = await rpc.createClient({ client: smuggler });
      assert.equal((await rpc.getClient({ clientId: made.client?.clientId ?? "" })).client?.$unknown, undefined);
      assert.equal((await sendJson(writ(), "GET", "/admin/clients?page_size=500")).status, 200);
    } finally {
      transport.close();
    }
  });
});

test("RFC 6749 §5.2: an unknown client, a wrong made secret and a wrong chosen secret get one answer in about one time", async () => {
  const writ = await startWrit("direct");
  try {
    const made = await createClient(writ);
    const chosen = await createClient(writ, { client_secret: "chosen by a person" });
    await issueToken(writ, chosen);
    const seen = [];
    for (const id of ["nobody", made.client_id, chosen.client_id]) {
      const times = [];
      for (let i = 0; i < 3; i++) {
        const begun = performance.now();
        const { status, body } = await postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: "client_credentials" }, { basic: [id, `wrong secret ${i}`] });
        times.push(performance.now() - begun);
        seen.push(JSON.stringify([status, body]));
      }
      assert.ok(Math.min(...times) >= 49, `${id} is refused too soon to hide how: ${times}`);
    }
    assert.equal(new Set(seen).size, 1, seen.join("\n"));
    const hint = await postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: "client_credentials", client_id: made.client_id, client_secret: made.client_secret });
    assert.match(hint.body.error_description, /registered for 'client_secret_basic', and used 'client_secret_post'/, "whoever knows the secret is told");
  } finally {
    await writ.close();
  }
});
