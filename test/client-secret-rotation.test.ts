import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, postForm, sendJson, type TestClient } from "./harness/http.ts";
import { describeWrit } from "./harness/writ.ts";

describeWrit("rotating a client's secret", {}, (writ) => {
  const path = ({ client_id: id }: TestClient) => `/admin/clients/${id}/secrets/rotate`;
  const rotate = async (client: TestClient): Promise<string> => {
    const { status, body, text } = await sendJson(writ(), "POST", path(client));
    assert.equal(status, 200, text);
    return body.client_secret;
  };
  const works = async ({ client_id: id }: TestClient, secret: string, inForm = false) => {
    const form = { grant_type: "client_credentials", ...(inForm ? { client_id: id, client_secret: secret } : {}) };
    const { status, body } = await postForm(`${writ().publicUrl}/oauth2/token`, form, inForm ? {} : { basic: [id, secret] });
    assert.ok(status === 200 || (status === 401 && body.error === "invalid_client"), `${status}`);
    return status === 200;
  };
  const all = (client: TestClient, secrets: readonly string[], inForm = false) => Promise.all(secrets.map((each) => works(client, each, inForm)));

  test("hydra.md §3.2: the new secret is shown once, those before it work until they are ended; whether made or chosen, by Basic or in the form", async () => {
    for (const [metadata, inForm] of [
      [{}, false],
      [{ client_secret: "chosen by somebody" }, false],
      [{ token_endpoint_auth_method: "client_secret_post" }, true],
    ] as const) {
      const client = await createClient(writ(), metadata);
      const secrets = [client.client_secret, await rotate(client), await rotate(client)];
      assert.equal(new Set(secrets).size, 3);
      assert.deepEqual(await all(client, [...secrets, "something else"], inForm), [true, true, true, false]);
      const { body } = await sendJson(writ(), "GET", `/admin/clients/${client.client_id}`);
      assert.ok(!("client_secret" in body) && !Object.keys(body).some((name) => name.includes("rotated")));
      const ended = await sendJson(writ(), "DELETE", path(client));
      assert.deepEqual([ended.status, ended.body.client_id, "client_secret" in ended.body], [200, client.client_id, false]);
      assert.deepEqual(await all(client, secrets, inForm), [false, false, true]);
    }
  });

  test("hydra.md §3.2: five secrets before the present one work, no more; of rotations at once each counts", async () => {
    const client = await createClient(writ());
    const secrets = [client.client_secret];
    for (let i = 0; i < 6; i++) secrets.push(await rotate(client));
    assert.deepEqual(await all(client, secrets), [false, true, true, true, true, true, true]);
    const atOnce = await Promise.all(Array.from({ length: 5 }, () => rotate(client)));
    assert.deepEqual(await all(client, [...atOnce, secrets[6] ?? ""]), [true, true, true, true, true, true]);
  });

  test("hydra.md §3.2: metadata may change beside it; a secret that somebody sets, or another method, ends all that were there", async () => {
    const client = await createClient(writ());
    const made = await rotate(client);
    const patch = (operation: object) => sendJson(writ(), "PATCH", `/admin/clients/${client.client_id}`, [operation]);
    assert.equal((await patch({ op: "replace", path: "/client_name", value: "App" })).status, 200);
    assert.deepEqual(await all(client, [client.client_secret, made]), [true, true]);
    assert.equal((await patch({ op: "replace", path: "/client_secret", value: "set by somebody" })).status, 200);
    assert.deepEqual(await all(client, [client.client_secret, made, "set by somebody"]), [false, false, true]);
    await rotate(client);
    const { body: read } = await sendJson(writ(), "GET", `/admin/clients/${client.client_id}`);
    const put = (method: string) => sendJson(writ(), "PUT", `/admin/clients/${client.client_id}`, { ...read, token_endpoint_auth_method: method });
    assert.equal((await put("none")).status, 200);
    const { body: again } = await put("client_secret_basic");
    assert.deepEqual(await all(client, ["set by somebody", again.client_secret]), [false, true]);
  });

  test("hydra.md §3.2: a client that is not there is 404; one that shows no secret is 400 and keeps what it has", async () => {
    for (const method of ["POST", "DELETE"]) {
      assert.equal((await sendJson(writ(), method, "/admin/clients/nobody/secrets/rotate")).status, 404);
      for (const metadata of [{ token_endpoint_auth_method: "none" }, { token_endpoint_auth_method: "client_secret_jwt" }]) {
        const client = await createClient(writ(), metadata);
        const { status, body } = await sendJson(writ(), method, path(client));
        assert.deepEqual([status, body.error], [400, "invalid_request"]);
        assert.match(body.error_description, new RegExp(metadata.token_endpoint_auth_method));
      }
    }
  });
});
