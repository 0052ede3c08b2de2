import assert from "node:assert/strict";
import { createHmac, createPublicKey, type KeyObject } from "node:crypto";
import { after, before, test } from "node:test";
import { SignJWT, UnsecuredJWT } from "jose";
import * as oauth from "oauth4webapi";
import { sendJson } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import { makeTestKey, type TestKey } from "./harness/keys.ts";
import { type Peer, startPeer } from "./harness/peer.ts";
import { createRp, finishFlow, goToLogin, ISSUER_URL, loginApp, openUserAgent, parametersOf, type Rp, redeem } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const OTHER_URI = "https://rp.example/other";
const seconds = () => Math.floor(Date.now() / 1000);
const sign = (claims: object, alg: string, key: KeyObject, header: object = {}): Promise<string> => new SignJWT({ ...claims }).setProtectedHeader({ alg, ...header }).sign(key);
const unsigned = (claims: object): string => new UnsecuredJWT({ ...claims }).encode();

describeWrit("request objects", {}, (writ) => {
  let ec: TestKey;
  let peer: Peer;
  before(async () => {
    [ec, peer] = await Promise.all([makeTestKey("ES256"), startPeer()]);
  });
  after(() => peer.close());

  const newRp = (metadata: object = {}): Promise<Rp> => createRp(writ(), { jwks: { keys: [ec.publicJwk] }, redirect_uris: ["https://rp.example/cb", OTHER_URI], ...metadata });
  /** What the login app is told of the request. */
  const seen = async (url: string): Promise<Readonly<Record<string, string>>> => {
    const login = await loginApp.get(writ(), await goToLogin(openUserAgent(writ()), url));
    return { ...parametersOf(login.body.request_url), subject: login.body.oidc_context?.login_hint ?? "" };
  };
  const refusal = async (url: string): Promise<Readonly<Record<string, string>>> => {
    const { status, headers, text } = await openUserAgent(writ()).get(url);
    return status === 303 ? { ...parametersOf(headers.get("location")), location: headers.get("location") ?? "" } : { page: String(status), text };
  };
  const refused = async (rp: Rp, request: string, about: RegExp, more: object = {}): Promise<void> => {
    const answer = await refusal(rp.request({ request, ...more }));
    assert.deepEqual([answer.error, answer.state, answer.iss], ["invalid_request_object", "a state that comes back", ISSUER_URL], JSON.stringify(answer));
    assert.match(answer.error_description ?? "", about);
    assert.ok(answer.location?.startsWith(rp.redirectUri));
  };

  for (const alg of ["RS256", "PS512", "ES256", "ES512", "EdDSA"])
    test(`OIDC Core §6.1: a request object signed by ${alg}: what is inside goes before what stands beside it, to the end of the flow`, async () => {
      const key = await makeTestKey(alg);
      const rp = await newRp({ jwks: { keys: [{ ...key.publicJwk, kid: "k", alg }] }, request_object_signing_alg: alg });
      const inside = {
        iss: rp.client.client_id,
        aud: [ISSUER_URL],
        client_id: rp.client.client_id,
        response_type: "code",
        redirect_uri: OTHER_URI,
        state: "inside",
        nonce: "n-0S6_WzA2Mj",
        max_age: 100,
      };
      const url = rp.request({ request: await sign(inside, alg, key.privateKey, { kid: "k" }), nonce: "beside", login_hint: "beside@example" });
      const told = await seen(url);
      assert.deepEqual(
        [told.redirect_uri, told.state, told.nonce, told.max_age, told.scope, told.subject, told.request],
        [OTHER_URI, "inside", "n-0S6_WzA2Mj", "100", "openid offline_access read", "beside@example", undefined],
      );
      const answer = await finishFlow(writ(), openUserAgent(writ()), url);
      assert.equal(answer.state, "inside");
      const tokens = await redeem(writ(), { ...rp, redirectUri: OTHER_URI }, answer.code ?? "");
      assert.equal(tokens.status, 200, tokens.text);
      assert.equal(claimsOf(tokens.body.id_token).nonce, "n-0S6_WzA2Mj");
    });

  test("RFC 9101 §6.3: of an object of its type, and of a request that is none of OpenID Connect, only what is inside counts", async () => {
    const rp = await newRp();
    const inside = { client_id: rp.client.client_id, response_type: "code", redirect_uri: rp.redirectUri, scope: "openid read" };
    for (const typ of ["oauth-authz-req+jwt", "application/OAuth-Authz-Req+JWT"]) {
      const told = await seen(rp.request({ request: await sign(inside, "ES256", ec.privateKey, { typ }), scope: "openid read write", login_hint: "beside", custom: "beside" }));
      assert.deepEqual([told.scope, told.state, told.custom, told.subject], ["openid read", undefined, undefined, ""]);
    }
    const plain = await seen(rp.request({ request: await sign({ ...inside, scope: "read" }, "ES256", ec.privateKey), scope: "write" }));
    assert.deepEqual([plain.scope, plain.state], ["read", undefined]);
    const only = await seen(`/oauth2/auth?client_id=${rp.client.client_id}&request=${await sign(inside, "ES256", ec.privateKey)}`);
    assert.equal(only.scope, "openid read");
    const unnamed = await refusal(rp.request({ request: await sign({ ...inside, client_id: undefined }, "ES256", ec.privateKey, { typ: "oauth-authz-req+jwt" }) }));
    assert.equal(unnamed.error, "invalid_request_object");
  });

  test("OIDC Core §5.5, §6.1: claims stand in an object as an object, and the response type of a hybrid flow as text; both count", async () => {
    const rp = await newRp({ grant_types: ["authorization_code", "implicit"], response_types: ["code id_token"] });
    const claims = { id_token: { level: { essential: true } } };
    const inside = { client_id: rp.client.client_id, response_type: "id_token code", redirect_uri: rp.redirectUri, scope: "openid", nonce: "n-0S6_WzA2Mj", claims };
    const request = rp.request({ response_type: "code id_token", scope: "openid", request: await sign(inside, "ES256", ec.privateKey) });
    assert.deepEqual(JSON.parse((await seen(request)).claims ?? ""), claims);
    const answer = await finishFlow(writ(), openUserAgent(writ()), request, { consent: { session: { id_token: { level: "gold" } } } });
    assert.equal(claimsOf(answer.id_token).level, "gold");
    const wrong = { ...inside, claims: { id_token: { level: 1 } } };
    assert.equal((await refusal(rp.request({ response_type: "code id_token", scope: "openid", request: await sign(wrong, "ES256", ec.privateKey) }))).error, "invalid_request");
  });

  test("oauth4webapi 3: an object that the library made", async () => {
    const rp = await newRp();
    const as: oauth.AuthorizationServer = { issuer: ISSUER_URL };
    const key = await crypto.subtle.importKey("jwk", ec.privateKey.export({ format: "jwk" }), { name: "ECDSA", namedCurve: "P-256" }, true, ["sign"]);
    const parameters = { response_type: "code", redirect_uri: rp.redirectUri, scope: "openid", state: "made", resource: "https://a.example" };
    const request = await oauth.issueRequestObject(as, { client_id: rp.client.client_id }, parameters, key);
    assert.equal((await finishFlow(writ(), openUserAgent(writ()), `/oauth2/auth?${new URLSearchParams({ client_id: rp.client.client_id, request })}`)).state, "made");
  });

  test("RFC 9101 §4: numbers, lists and objects inside arrive as text; the claims about the object do not; empty ones are absent", async () => {
    const rp = await newRp({ audience: ["https://a.example", "https://b.example"] });
    const inside = {
      iat: seconds(),
      jti: "x",
      audience: ["https://a.example", "https://b.example"],
      details: { a: [1] },
      count: 7,
      flag: true,
      nothing: null,
      login_hint: "",
      __proto__x: "1",
    };
    const told = await seen(rp.request({ request: await sign(inside, "ES256", ec.privateKey), login_hint: "stays" }));
    assert.deepEqual([told.details, told.count, told.flag, told.nothing, told.iat, told.jti, told.subject], ['{"a":[1]}', "7", "true", undefined, undefined, undefined, "stays"]);
    assert.equal(told.audience, "https://b.example", "the last of two");
  });

  test("RFC 9101 §6.2, RFC 8725 §3: unsigned, otherwise signed, with another's key, of another type, encrypted, cut: invalid_request_object", async () => {
    const rp = await newRp();
    const claims = { client_id: rp.client.client_id };
    const [thief, rsa] = await Promise.all([makeTestKey("ES256"), makeTestKey("RS256")]);
    const good = await sign(claims, "ES256", ec.privateKey);
    await refused(rp, unsigned(claims), /not signed/);
    await refused(rp, await sign(claims, "ES256", thief.privateKey), /no key of the client/);
    await refused(rp, await sign(claims, "ES256", thief.privateKey, { jwk: thief.publicJwk }), /no key of the client/);
    await refused(rp, await sign(claims, "ES256", ec.privateKey, { kid: "unknown" }), /no key of the client/);
    await refused(rp, await sign(claims, "RS256", rsa.privateKey), /no key of the client/);
    const pem = createPublicKey({ key: ec.publicJwk, format: "jwk" }).export({ type: "spki", format: "pem" });
    const input = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${good.split(".")[1]}`;
    await refused(rp, `${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`, /does not support/);
    for (const typ of ["client-authentication+jwt", "at+jwt", "logout+jwt"]) await refused(rp, await sign(claims, "ES256", ec.privateKey, { typ }), /'typ'/);
    for (const text of [
      "x",
      "a.b.c",
      "a.b.c.d.e",
      good.slice(0, -20),
      `${good}x`,
      good.replace(/\.[^.]*$/, "."),
      await sign({ ...claims, filler: "x".repeat(9000) }, "ES256", ec.privateKey),
    ])
      assert.ok(["invalid_request_object", "invalid_request"].includes((await refusal(rp.request({ request: text }))).error ?? ""), text.slice(0, 40));
    const registered = await newRp({ request_object_signing_alg: "RS256", jwks: { keys: [ec.publicJwk, rsa.publicJwk] } });
    await refused(registered, await sign({}, "ES256", ec.privateKey), /RS256/);
    await refused(registered, unsigned({}), /RS256/);
  });

  test("RFC 9101 §4, §6.3, §10.8: claims that contradict the request, another server's, expired or early objects, objects in objects are refused", async () => {
    const rp = await newRp();
    const { client_id: id } = rp.client;
    for (const [claims, about] of [
      [{ client_id: "another" }, /'client_id'/],
      [{ client_id: [id] }, /'client_id'/],
      [{ iss: "another" }, /'iss'/],
      [{ aud: "https://other.example" }, /'aud'/],
      [{ aud: [7] }, /'aud'/],
      [{ sub: id }, /'sub'/],
      [{ exp: seconds() - 5 }, /'exp' is past/],
      [{ exp: "soon" }, /'exp'/],
      [{ nbf: seconds() + 300 }, /'nbf'/],
      [{ iat: seconds() + 300 }, /'iat'/],
      [{ request: "x" }, /itself/],
      [{ request_uri: "https://rp.example" }, /itself/],
      [{ response_type: "token" }, /'response_type'/],
      [{ response_type: 5 }, /'response_type'/],
    ] as const)
      await refused(rp, await sign(claims, "ES256", ec.privateKey), about);
    const object = await sign({ response_type: "code" }, "ES256", ec.privateKey);
    assert.equal((await refusal(rp.request({ request: object, response_type: undefined }))).error, "invalid_request");
    assert.equal((await refusal(rp.request({ request: object, request_uri: "https://rp.example/r" }))).error, "invalid_request");
    assert.equal((await refusal(`${rp.request({ request: object })}&request=x`)).error, "invalid_request");
    assert.equal((await refusal(rp.request({ request: await sign({ scope: "openid admin" }, "ES256", ec.privateKey) }))).error, "invalid_scope");
    assert.equal((await refusal(rp.request({ request: await sign({ prompt: ["none"] }, "ES256", ec.privateKey) }))).error, "invalid_request");
  });

  test("RFC 6749 §4.1.2.1: nobody is sent to a redirect_uri that is not registered, wherever it stands", async () => {
    const rp = await newRp();
    const evil = "https://evil.example/cb";
    const good = await sign({ redirect_uri: evil }, "ES256", ec.privateKey);
    assert.equal((await refusal(rp.request({ request: good }))).page, "400");
    assert.equal((await refusal(rp.request({ request: "broken", redirect_uri: evil }))).page, "400");
    assert.equal((await refusal(rp.request({ request: "broken", redirect_uri: undefined }))).page, "400");
    assert.equal((await refusal(rp.request({ request: good, client_id: "nobody" }))).page, "400");
    const inside = await seen(rp.request({ request: await sign({ redirect_uri: rp.redirectUri, client_id: rp.client.client_id }, "ES256", ec.privateKey), redirect_uri: evil }));
    assert.equal(inside.redirect_uri, rp.redirectUri, "what stands beside a good one is not looked at");
  });

  test("OIDC Registration §2: unsigned objects are taken of clients that registered none, and then no signed ones", async () => {
    const rp = await newRp({ request_object_signing_alg: "none" });
    assert.equal((await seen(rp.request({ request: unsigned({ nonce: "inside-1" }) }))).nonce, "inside-1");
    await refused(rp, await sign({}, "ES256", ec.privateKey), /none/);
    await refused(rp, unsigned({ exp: seconds() - 5 }), /'exp'/);
  });

  test("RFC 9101 §4: what nests so deeply that it cannot be written as text is refused, and no error of the server's", async () => {
    const rp = await newRp({ jwks: {}, request_object_signing_alg: "none" });
    const [header = ""] = unsigned({}).split(".");
    for (const name of ["claims", "custom"]) {
      const payload = `{"client_id":"${rp.client.client_id}","${name}":${"[".repeat(6000)}${"]".repeat(6000)}}`;
      await refused(rp, `${header}.${Buffer.from(payload).toString("base64url")}.`, new RegExp(`'${name}' nests too deeply`));
    }
  });

  test("OIDC Core §6.2: request_uri is one that the client registered, but for its fragment, and is fetched; the flow never needs it again", async () => {
    const path = `/object-${process.hrtime.bigint()}`;
    const rp = await newRp({ request_uris: [`${peer.url}${path}#aHashOfOldContent`] });
    const { client_id: id } = rp.client;
    peer.serve(path, `${await sign({ client_id: id, iss: id, aud: ISSUER_URL, nonce: "fetched-1", state: "fetched" }, "ES256", ec.privateKey)}\n`);
    const agent = openUserAgent(writ());
    const url = rp.request({ request_uri: `${peer.url}${path}#aHashOfOldContent` });
    assert.equal((await finishFlow(writ(), agent, url)).state, "fetched");
    assert.equal(peer.asked.filter((each) => each === path).length, 1);
    for (const fragment of ["", "#another"]) assert.equal((await seen(rp.request({ request_uri: `${peer.url}${path}${fragment}` }))).nonce, "fetched-1");
  });

  test("OIDC Core §6.2, RFC 9101 §10.4: other URIs are not gone to; redirects, errors, large and late answers and inner addresses are invalid_request_uri", async () => {
    const at = (path: string) => peer.url + path;
    const object = await sign({}, "ES256", ec.privateKey);
    peer.serve("/good", object);
    peer.serve("/moved", (_: unknown, response: { writeHead(status: number, headers: object): { end(): void } }) => response.writeHead(302, { location: "/good" }).end());
    peer.serve("/large", object + " ".repeat(30_000));
    const inner = ["http://169.254.169.254/latest", "http://10.0.0.1/r", "http://[::ffff:127.0.0.1]/r"];
    const rp = await newRp({ request_uris: [at("/good"), at("/moved"), at("/large"), at("/missing"), ...inner] });
    const error = async (uri: string) => {
      const answer = await refusal(rp.request({ request_uri: uri }));
      assert.doesNotMatch(answer.error_description ?? "", /ECONN|address|timeout|127\.0/, "nothing of the inner network is told");
      return answer.error;
    };
    for (const uri of [at("/moved"), at("/large"), at("/missing"), ...inner]) assert.equal(await error(uri), "invalid_request_uri", uri);
    assert.equal(peer.asked.includes("/good"), false);
    for (const uri of [
      at("/good?x"),
      at("/good/"),
      at("/goo"),
      at("/Good"),
      `${at("/good")}?#`,
      "file:///etc/passwd",
      "urn:ietf:params:oauth:request_uri:x",
      at(`/${"x".repeat(600)}`),
    ])
      assert.equal(await error(uri), "invalid_request_uri", uri);
    assert.equal(peer.asked.includes("/good"), false);
    peer.serve("/good", "<html>");
    assert.equal(await error(at("/good")), "invalid_request_object");
  });

  test("RFC 9101 §5: request_uris are short http URLs", async () => {
    for (const uri of ["x", "ftp://rp.example/r", `https://rp.example/${"x".repeat(512)}`]) {
      const answer = await sendJson(writ(), "POST", "/admin/clients", { request_uris: [uri] });
      assert.deepEqual([answer.status, answer.body.error, /request_uris/.test(answer.body.error_description)], [400, "invalid_client_metadata", true], uri);
    }
  });

  test("RFC 9101 §9, OIDC Discovery §3: metadata says what is supported", async () => {
    const { body } = await sendJson({ ...writ(), adminUrl: writ().publicUrl }, "GET", "/.well-known/openid-configuration");
    assert.deepEqual([body.request_parameter_supported, body.request_uri_parameter_supported, body.require_request_uri_registration], [true, true, true]);
    assert.deepEqual([body.request_object_signing_alg_values_supported.includes("none"), body.request_object_signing_alg_values_supported.includes("RS256")], [false, true]);
  });
});

describeWrit("request objects under compat: hydra", { config: { compat: "hydra" } }, (writ) => {
  test("hydra.md §8.10: an unsigned object is taken of a client that registered no algorithm", async () => {
    const rp = await createRp(writ());
    assert.equal((await finishFlow(writ(), openUserAgent(writ()), rp.request({ request: unsigned({ state: "inside the object" }) }))).state, "inside the object");
    const strict = await createRp(writ(), { request_object_signing_alg: "RS256" });
    const { headers } = await openUserAgent(writ()).get(strict.request({ request: unsigned({}) }));
    assert.equal(parametersOf(headers.get("location")).error, "invalid_request_object");
    const { body } = await sendJson({ ...writ(), adminUrl: writ().publicUrl }, "GET", "/.well-known/openid-configuration");
    assert.ok(body.request_object_signing_alg_values_supported.includes("none"));
  });
});
