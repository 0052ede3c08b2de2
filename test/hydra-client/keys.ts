import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { JsonWebKey } from "@ory/hydra-client";
import { exportJWK, generateKeyPair } from "jose";
import { assertShape, type Shape } from "./shapes.ts";
import { assertDone, assertError, assertJson, got, type HydraSite } from "./site.ts";

/** hydra.md §3.3: members of a private key. */
const COMMON: Shape = { kty: "string", kid: "string", alg: "string", use: "string" };
const RSA: Shape = { ...COMMON, n: "string", e: "string", d: "string", p: "string", q: "string", dp: "string", dq: "string", qi: "string" };
const EC: Shape = { ...COMMON, crv: "string", x: "string", y: "string", d: "string" };
const OKP: Shape = { ...COMMON, crv: "string", x: "string", d: "string" };
const SHAPES = { RS256: RSA, RS384: RSA, RS512: RSA, PS256: RSA, PS384: RSA, PS512: RSA, ES256: EC, ES384: EC, ES512: EC, EdDSA: OKP } as const;

/** JSON Web Keys: hydra.md §3.3. */
export function keyCases(site: () => HydraSite): void {
  const newSet = () => `set-${randomBytes(6).toString("hex")}`;
  const create = async (set: string, more: { alg?: string; kid?: string; use?: string } = {}) => {
    const answer = await site().jwks.createJsonWebKeySet({ set, createJsonWebKeySet: { alg: "ES256", kid: "", use: "sig", ...more } });
    const data = assertJson(answer, 201);
    assert.deepEqual(Object.keys(data), ["keys"]);
    assert.equal(data.keys.length, 1);
    assert.equal(got(answer).headers.location, `http://127.0.0.1:4444/keys/${set}`);
    return data.keys[0];
  };
  const own = async (kid: string): Promise<JsonWebKey> =>
    ({ ...(await exportJWK((await generateKeyPair("ES256", { extractable: true })).privateKey)), kid, alg: "ES256", use: "sig" }) as JsonWebKey;
  const assertUnknown = ({ status, data }: { readonly status: number; readonly data: unknown }) =>
    assert.deepEqual([status, data], [404, { error: "Unable to locate the resource", error_description: "" }]);

  test("hydra.md §3.3: createJsonWebKeySet makes a key of each algorithm, names it, and answers 201 with its private part; kid and use are taken; others are 400", async () => {
    const set = newSet();
    for (const [alg, shape] of Object.entries(SHAPES)) {
      const key = await create(set, { alg });
      assertShape(key, shape, alg);
      assert.deepEqual([key.alg, key.use], [alg, "sig"]);
    }
    const named = await create(set, { kid: "mine", use: "enc" });
    assert.deepEqual([named.kid, named.use], ["mine", "enc"]);
    assert.equal((await create(set, { use: "" })).use, "sig");
    for (const alg of ["XX", "none", ""]) assertError(await site().jwks.createJsonWebKeySet({ set, createJsonWebKeySet: { alg, kid: "", use: "sig" } }), 400, /./, /alg/);
  });

  test("hydra.md §3.3: getJsonWebKeySet has the private parts, newest first; getJsonWebKey the one; what is not there is 404", async () => {
    const set = newSet();
    const [first, second] = [await create(set), await create(set)];
    const { keys } = assertJson(await site().jwks.getJsonWebKeySet({ set }));
    assert.deepEqual(keys, [second, first]);
    assert.deepEqual(assertJson(await site().jwks.getJsonWebKey({ set, kid: first.kid })), { keys: [first] });
    assertUnknown(await site().jwks.getJsonWebKeySet({ set: "nothing" }));
    assertUnknown(await site().jwks.getJsonWebKey({ set, kid: "nothing" }));
    assertUnknown(await site().jwks.getJsonWebKey({ set: "nothing", kid: first.kid }));
  });

  test("hydra.md §3.3: setJsonWebKeySet replaces the whole set and answers it; what is no key is 400", async () => {
    const set = newSet();
    await create(set);
    const keys = [await own("one"), await own("two")];
    assert.deepEqual(assertJson(await site().jwks.setJsonWebKeySet({ set, jsonWebKeySet: { keys } })), { keys });
    assert.deepEqual(assertJson(await site().jwks.getJsonWebKeySet({ set })), { keys });
    assertError(await site().jwks.setJsonWebKeySet({ set, jsonWebKeySet: { keys: [{ kty: "EC", kid: "x", alg: "ES256", use: "sig" }] } }), 400, /./);
    assertError(await site().jwks.setJsonWebKeySet({ set, jsonWebKeySet: { keys: "x" as never } }), 400, /./);
  });

  test("hydra.md §3.3: setJsonWebKey creates or replaces by the kid of the body, and answers the key alone", async () => {
    const set = newSet();
    const key = await own("in-the-body");
    assert.deepEqual(assertJson(await site().jwks.setJsonWebKey({ set, kid: "in-the-path", jsonWebKey: key })), key);
    assertUnknown(await site().jwks.getJsonWebKey({ set, kid: "in-the-path" }));
    const other = await own("in-the-body");
    assert.deepEqual(assertJson(await site().jwks.setJsonWebKey({ set, kid: "in-the-body", jsonWebKey: other })), other);
    assert.deepEqual(assertJson(await site().jwks.getJsonWebKeySet({ set })), { keys: [other] });
    assertError(await site().jwks.setJsonWebKey({ set, kid: "x", jsonWebKey: { ...key, alg: "RS256" } }), 400, /./);
  });

  test("hydra.md §3.3: deleteJsonWebKey and deleteJsonWebKeySet answer 204, also for what is not there", async () => {
    const set = newSet();
    const [kept, gone] = [await create(set), await create(set)];
    assertDone(await site().jwks.deleteJsonWebKey({ set, kid: gone.kid }));
    assert.deepEqual(assertJson(await site().jwks.getJsonWebKeySet({ set })), { keys: [kept] });
    assertDone(await site().jwks.deleteJsonWebKey({ set, kid: gone.kid }));
    assertDone(await site().jwks.deleteJsonWebKeySet({ set }));
    assertUnknown(await site().jwks.getJsonWebKeySet({ set }));
    assertDone(await site().jwks.deleteJsonWebKeySet({ set }));
  });
}
