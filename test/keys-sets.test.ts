import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeProtectedHeader, importJWK, SignJWT } from "jose";
import { createClient, introspect, issueToken, postForm, send, sendJson } from "./harness/http.ts";
import { describeWrit, startNode, testConfig } from "./harness/writ.ts";

const SET = "/admin/keys/hydra.jwt.access-token";
const makeRsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
interface Jwk {
  readonly kid: string;
  readonly alg: string;
  readonly use: string;
}

describeWrit(
  "JWK sets that sign",
  { config: { strategies: { access_token: "jwt" } } },
  (writ) => {
    const keys = async (): Promise<Jwk[]> => (await sendJson(writ(), "GET", SET)).body.keys;
    const published = async (): Promise<Jwk[]> => (await send(`${writ().publicUrl}/.well-known/jwks.json`)).body.keys;

    test("hydra.md §3.3: a set that is read and put back signs on with the keys that it signed with", async () => {
      const client = await createClient(writ());
      const { kid } = decodeProtectedHeader(await issueToken(writ(), client));
      const added = (await sendJson(writ(), "POST", SET, { alg: "ES256" })).body.keys[0].kid;
      const put = await sendJson(writ(), "PUT", SET, { keys: await keys() });
      assert.equal(put.status, 200, put.text);
      assert.deepEqual(
        (await keys()).map((key) => key.kid),
        put.body.keys.map((key: Jwk) => key.kid),
        "in the order of the list",
      );
      assert.equal(decodeProtectedHeader(await issueToken(writ(), client)).kid, kid, "not with the key that is published for too short a time");
      assert.ok((await published()).some((key) => key.kid === added));
    });

    test("RFC 7662 §2.2, hydra.md §3.3: a JWT that another server signed with a key that was imported is not active; nobody meets an error", async () => {
      const client = await createClient(writ());
      const [kid, jwk] = ["from-hydra", makeRsa()];
      await sendJson(writ(), "PUT", `${SET}/${kid}`, { ...jwk, kid, alg: "RS256" });
      const key = await importJWK(jwk, "RS256");
      // A UUID, as Hydra's jti is; texts whose bytes are a message cut off, a message of another kind, and nothing.
      for (const jti of ["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "CgUB", "AAAA", "____", ""]) {
        const claims = { jti, client_id: client.client_id, sub: "alice", scp: ["openid"], iat: 1_700_000_000, exp: 4_000_000_000 };
        const token = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid, typ: "JWT" }).sign(key);
        assert.deepEqual(await introspect(writ(), token), { active: false }, jti);
        assert.equal((await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status, 401, jti);
        const revoked = await postForm(`${writ().publicUrl}/oauth2/revoke`, { token }, { basic: [client.client_id, client.client_secret] });
        assert.equal(revoked.status, 200, jti);
      }
    });

    test("DESIGN keys: an administrator who puts an RSA key in the place of the only ES256 key leaves the server able to sign", async () => {
      const client = await createClient(writ());
      for (const { kid, alg } of await keys()) if (alg === "ES256") await sendJson(writ(), "PUT", `${SET}/${kid}`, { ...makeRsa(), kid, alg: "RS256" });
      assert.equal(decodeProtectedHeader(await issueToken(writ(), client)).alg, "ES256");
      await sendJson(writ(), "DELETE", SET);
      assert.equal((await introspect(writ(), await issueToken(writ(), client))).active, true);
    });

    test("RFC 7517 §4.2: keys for encryption and symmetric keys are kept and not published; a key without alg and use is, with both", async () => {
      for (const [kid, key] of Object.entries({ enc: { ...makeRsa(), use: "enc" }, oct: { kty: "oct", k: "c2VjcmV0" }, bare: makeRsa() }))
        assert.equal((await sendJson(writ(), "PUT", `${SET}/${kid}`, key)).status, 200, kid);
      const shown = await published();
      assert.deepEqual(
        shown.filter(({ kid }) => ["enc", "oct", "bare"].includes(kid)).map(({ kid, use, alg }) => ({ kid, use, alg })),
        [{ kid: "bare", use: "sig", alg: "RS256" }],
      );
      assert.equal((await sendJson(writ(), "GET", `${SET}/oct`)).body.keys[0].k, "c2VjcmV0");
      const unnamed = await sendJson(writ(), "PUT", SET.replace("access-token", "unnamed"), { keys: [{ kty: "oct", k: "c2VjcmV0" }] });
      assert.match(unnamed.body.keys[0].kid, /^[0-9a-f]{8}-/, "no hash of the secret");
    });

    test("RFC 7517 §4.7: certificates come back with the key, however long; too long ones are refused", async () => {
      const x5c = Array.from({ length: 4 }, () => "A".repeat(4000));
      const path = "/admin/keys/certified";
      assert.equal((await sendJson(writ(), "PUT", `${path}/a`, { ...makeRsa(), x5c })).status, 200);
      assert.deepEqual((await sendJson(writ(), "GET", path)).body.keys[0].x5c, x5c);
      assert.equal((await sendJson(writ(), "PUT", `${path}/b`, { ...makeRsa(), x5c: ["A".repeat(20_000)] })).status, 400);
    });
  },
  ["direct"],
);

test("RFC 7662 §2.2: under compat: hydra, a token signed by a key that another core made this instant is active", async () => {
  const folder = mkdtempSync(join(tmpdir(), "writ-sets-"));
  const config = testConfig(`sqlite://${join(folder, "writ.sqlite")}`, { compat: "hydra", strategies: { access_token: "jwt" } });
  const nodes = [];
  for (let i = 0; i < 2; i++) {
    nodes.push(await startNode("direct", config));
  }
  try {
    const [a, b] = nodes.map(({ publicUrl, adminUrl }) => ({ publicUrl, adminUrl }) as Parameters<typeof issueToken>[0]);
    assert.ok(a !== undefined && b !== undefined);
    const client = await createClient(a);
    for (let i = 0; i < 3; i++) {
      await introspect(b, await issueToken(b, client)); // the other core has just read the set
      const { body } = await sendJson(a, "POST", SET, { alg: "RS256" });
      const token = await issueToken(a, client);
      assert.equal(decodeProtectedHeader(token).kid, body.keys[0].kid);
      assert.equal((await introspect(b, token)).active, true);
    }
  } finally {
    for (const node of nodes) await node.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
