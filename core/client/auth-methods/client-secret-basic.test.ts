import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ClientAuthenticationSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { pooledRandom } from "#lib/random.ts";
import type { EpochMillis } from "#lib/time.ts";
import { keepMadeSecret } from "../secret.ts";
import { makeSlowHash } from "../slow-hash.ts";
import type { AuthenticateDeps } from "./auth-method.ts";
import { clientSecretBasic } from "./client-secret-basic.ts";

const deps = { slowHash: makeSlowHash({ random: pooledRandom() }) } as AuthenticateDeps;
const base64 = (text: string | Uint8Array) => Buffer.from(text as string).toString("base64");
const read = (authorization: string) => clientSecretBasic.read(create(ClientAuthenticationSchema, { authorization }));
const isRight = (authorization: string, secret: string) =>
  read(authorization)?.isRight(
    deps,
    { record: create(ClientRecordSchema, { secret: keepMadeSecret(secret) }) } as Parameters<NonNullable<ReturnType<typeof read>>["isRight"]>[1],
    0 as EpochMillis,
  );

test("RFC 6749 App. B: the vector of the specification is decoded, in id and secret", () => {
  const encoded = "+%25%26%2B%C2%A3%E2%82%AC";
  const decoded = " %&+\u00a3\u20ac";
  const header = `Basic ${base64(`${encoded}:${encoded}`)}`;
  assert.equal(read(header)?.clientId, decoded);
  assert.equal(isRight(header, decoded), true);
});

test("RFC 6749 §2.3.1: the example of the specification", () => {
  assert.equal(read("Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW")?.clientId, "s6BhdRkqt3");
  assert.equal(isRight("Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", "gX1fBat3bV"), true);
});

test("RFC 7617 §2: the first colon separates; an encoded one does not; id or secret may be empty", () => {
  assert.equal(isRight(`Basic ${base64("id:a:b")}`, "a:b"), true);
  assert.equal(read(`Basic ${base64("a%3Ab:c")}`)?.clientId, "a:b");
  assert.equal(read(`Basic ${base64(":c")}`)?.clientId, "");
  assert.equal(isRight(`Basic ${base64("id:")}`, ""), true);
});

test("RFC 9110 §11.1: the scheme's name is taken in any case, with more than one space behind it", () => {
  for (const scheme of ["Basic", "basic", "BASIC", "bAsIc "]) assert.equal(read(`${scheme} ${base64("id:secret")}`)?.clientId, "id", scheme);
});

test("no header is no attempt", () => {
  assert.equal(read(""), undefined);
});

for (const [name, header] of Object.entries({
  "another scheme": "Bearer abc",
  "the scheme alone": "Basic",
  "nothing behind the scheme": "Basic ",
  "no base64": "Basic ****",
  "base64 with something else in it": `Basic ${base64("id:secret").slice(0, 4)}!${base64("id:secret").slice(5)}`,
  "base64 without padding": `Basic ${base64("id:secrets").replace(/=+$/, "")}`,
  "padding in the middle": "Basic aWQ6=A==",
  "two credentials": `Basic ${base64("id:secret")}, Basic ${base64("id:secret")}`,
  "no colon": `Basic ${base64("idsecret")}`,
  "no UTF-8": `Basic ${base64(new Uint8Array([0xff, 0x3a, 0xfe]))}`,
  "no UTF-8 after decoding": `Basic ${base64("id:%ff")}`,
  "a broken percent sign": `Basic ${base64("id%:secret")}`,
  "13 kilobytes": `Basic ${base64("x".repeat(10_000))}`,
}))
  test(`RFC 6749 §2.3.1, §5.2: a header with ${name} gets invalid_client with a Basic challenge and is not quoted`, () => {
    assert.throws(
      () => read(header),
      (error) =>
        error instanceof OAuthError &&
        error.code === "invalid_client" &&
        error.status === 401 &&
        /^Basic realm="[^"]+"/.test(error.wwwAuthenticate) &&
        /^Client authentication failed: [^:]*$/.test(error.message),
    );
  });
