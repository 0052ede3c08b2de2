import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, test } from "node:test";
import { configSchema } from "#lib/config.ts";
import { introspect, postForm, send, sendJson } from "./harness/http.ts";
import { claimsOf } from "./harness/jwt.ts";
import { type Peer, startPeer } from "./harness/peer.ts";
import { callRegistration, registerClient } from "./harness/registration.ts";
import {
  consentApp,
  createRp,
  finishFlow,
  getTokens,
  goToConsent,
  goToLogin,
  loginApp,
  newSubject,
  openUserAgent,
  parametersOf,
  type Rp,
  redeem,
  refresh,
} from "./harness/user-agent.ts";
import { describeWrit, startWrit, type Writ } from "./harness/writ.ts";

const SALT = "a salt that never changes";
const PAIRWISE = {
  oidc: {
    subject_identifiers: { supported_types: ["public", "pairwise"] as ("public" | "pairwise")[], pairwise: { salt: SALT } },
    dynamic_client_registration: { enabled: true, max_per_minute: 10_000 },
  },
};

let peer: Peer;
before(async () => {
  peer = await startPeer();
});
after(() => peer.close());

const pairwise = (writ: Writ, metadata: object = {}): Promise<Rp> => createRp(writ, { subject_type: "pairwise", ...metadata });
const flow = (writ: Writ, rp: Rp, subject: string, login: object = {}) => getTokens(writ, rp, { login: { subject, ...login } });
const userinfo = async (writ: Writ, token: string) => (await send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).body;
const askPublicly = async (writ: Writ, { client }: Rp, token: string) =>
  (await postForm(`${writ.publicUrl}/oauth2/introspect`, { token }, { basic: [client.client_id, client.client_secret] })).body;

describeWrit("pairwise subjects", { config: PAIRWISE }, (writ) => {
  test("OIDC Core §8.1: one subject is another to each sector, the same to each client of one and at each login; nobody is twice the same", async () => {
    const [a, b] = [await pairwise(writ()), await pairwise(writ())];
    const elsewhere = await pairwise(writ(), { redirect_uris: ["https://rp.example/cb", "https://rp.example:8443/other"], client_name: "same host, other port" });
    const foreign = await createRp(writ(), { subject_type: "pairwise", redirect_uris: ["https://other.example/cb"] });
    const visible: Rp = await createRp(writ());
    const other: Rp = { ...foreign, redirectUri: "https://other.example/cb", request: (more) => foreign.request({ redirect_uri: "https://other.example/cb", ...more }) };
    const subject = newSubject();
    const sub = async (rp: Rp, who = subject) => claimsOf((await flow(writ(), rp, who)).id_token).sub;
    const first = await sub(a);
    assert.match(first, /^[\w-]{43}$/);
    assert.equal(await sub(a), first);
    assert.equal(await sub(b), first);
    assert.equal(await sub(elsewhere), first);
    assert.notEqual(await sub(other), first);
    assert.notEqual(await sub(a, newSubject()), first);
    assert.equal(await sub(visible), subject);
  });

  test("OIDC Core §8: the client sees the same sub everywhere: ID token, userinfo, introspection, JWT access tokens, after a refresh; the operator sees both", async () => {
    for (const access_token_strategy of ["opaque", "jwt"]) {
      const rp = await pairwise(writ(), { access_token_strategy });
      const subject = newSubject();
      const first = await flow(writ(), rp, subject);
      const { sub } = claimsOf(first.id_token);
      const second = (await refresh(writ(), rp, first.refresh_token)).body;
      for (const tokens of [first, second]) {
        assert.equal(claimsOf(tokens.id_token).sub, sub);
        assert.equal((await userinfo(writ(), tokens.access_token)).sub, sub);
        for (const token of [tokens.access_token, second.refresh_token]) {
          const seen = await askPublicly(writ(), rp, token);
          assert.deepEqual([seen.active, seen.sub, "obfuscated_subject" in seen], [true, sub, false]);
          const known = await introspect(writ(), token);
          assert.deepEqual([known.active, known.sub, known.obfuscated_subject], [true, subject, sub]);
        }
        if (access_token_strategy === "jwt") assert.equal(claimsOf(tokens.access_token).sub, sub);
        assert.ok(!JSON.stringify([tokens, await userinfo(writ(), tokens.access_token)]).includes(subject), "the subject is nowhere in it");
      }
      assert.equal((await sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/consent?subject=${subject}&all=true`)).status, 204);
      assert.deepEqual(await introspect(writ(), second.access_token), { active: false }, "revoking by the subject reaches it");
    }
  });

  test("hydra.md §7.5: apps see the real subject; force_subject_identifier is the sub of pairwise clients, of no other", async () => {
    const [rp, visible] = [await pairwise(writ()), await createRp(writ())];
    const subject = newSubject();
    const agent = openUserAgent(writ());
    const challenge = await goToConsent(writ(), agent, rp.request(), { subject, force_subject_identifier: "forced-1", remember: true });
    assert.equal((await consentApp.get(writ(), challenge)).body.subject, subject);
    const accepted = await consentApp.accept(writ(), challenge, { grant_scope: ["openid"] });
    const { code = "" } = parametersOf((await agent.get(accepted.body.redirect_to)).headers.get("location"));
    const tokens = (await redeem(writ(), rp, code)).body;
    assert.equal(claimsOf(tokens.id_token).sub, "forced-1");
    assert.equal((await userinfo(writ(), tokens.access_token)).sub, "forced-1");
    assert.deepEqual([(await introspect(writ(), tokens.access_token)).sub, (await introspect(writ(), tokens.access_token)).obfuscated_subject], [subject, "forced-1"]);
    const login = await loginApp.get(writ(), await goToLogin(agent, rp.request()));
    assert.deepEqual([login.body.skip, login.body.subject], [true, subject]);
    assert.equal(claimsOf((await flow(writ(), visible, subject, { force_subject_identifier: "forced-1" })).id_token).sub, subject);
  });

  test("OIDC Core §3.1.2.1: id_token_hint is understood by the pairwise sub, and by a forced one of the same session; another person's is not", async () => {
    const rp = await pairwise(writ());
    for (const force_subject_identifier of [undefined, "forced-2"]) {
      const subject = newSubject();
      const agent = openUserAgent(writ());
      const answer = await finishFlow(writ(), agent, rp.request(), { login: { subject, remember: true, force_subject_identifier }, consent: { remember: true } });
      const { id_token: hint } = (await redeem(writ(), rp, answer.code ?? "")).body;
      const silent = await finishFlow(writ(), agent, rp.request({ prompt: "none", id_token_hint: hint }), { login: { subject, force_subject_identifier } });
      assert.ok(silent.code, JSON.stringify(silent));
      const { id_token: others } = await flow(writ(), rp, newSubject());
      const refused = parametersOf((await agent.get(rp.request({ prompt: "none", id_token_hint: others }))).headers.get("location"));
      assert.equal(refused.error, "login_required");
      const asked = await loginApp.get(writ(), await goToLogin(agent, rp.request({ id_token_hint: others })));
      assert.equal(asked.body.skip, false);
    }
  });

  test("OIDC Core §3.1.2.2, §8: a value of sub in claims is the one that the client knows; the real subject is no answer to a guess, and tokens by the front have the pairwise one too", async () => {
    const rp = await pairwise(writ(), { grant_types: ["authorization_code", "implicit"], response_types: ["code", "id_token token"] });
    const [subject, agent] = [newSubject(), openUserAgent(writ())];
    const request = { response_type: "id_token token", nonce: "n-0S6_WzA2Mj", scope: "openid" };
    const first = await finishFlow(writ(), agent, rp.request(request), { login: { subject, remember: true }, consent: { remember: true } });
    const { sub } = claimsOf(first.id_token ?? "");
    assert.notEqual(sub, subject);
    assert.equal((await userinfo(writ(), first.access_token ?? "")).sub, sub);
    const ask = (value: string) => rp.request({ ...request, prompt: "none", claims: JSON.stringify({ id_token: { sub: { value } } }) });
    assert.equal(claimsOf((await finishFlow(writ(), agent, ask(sub), { login: { subject } })).id_token ?? "").sub, sub);
    assert.equal(parametersOf((await agent.get(ask(subject))).headers.get("location")).error, "login_required");
  });

  test("OIDC Core §8.1, OIDC Registration §5: clients that one sector_identifier_uri names share subjects, wherever they are; the list is fetched and looked at", async () => {
    peer.serve("/sector", ["https://rp.example/cb", "https://rp2.example/cb"]);
    const sector = { sector_identifier_uri: `${peer.url}/sector` };
    const a = await pairwise(writ(), sector);
    const b = await pairwise(writ(), { redirect_uris: ["https://rp2.example/cb", "https://rp.example/cb"], ...sector });
    const lone = await pairwise(writ());
    const subject = newSubject();
    const [subA, subB, subC] = [
      claimsOf((await flow(writ(), a, subject)).id_token).sub,
      claimsOf((await flow(writ(), b, subject)).id_token).sub,
      claimsOf((await flow(writ(), lone, subject)).id_token).sub,
    ];
    assert.equal(subA, subB);
    assert.notEqual(subA, subC);
    const asked = peer.asked.length;
    const { body } = await sendJson(writ(), "PATCH", `/admin/clients/${a.client.client_id}`, [{ op: "replace", path: "/client_name", value: "renamed" }]);
    assert.deepEqual([body.client_name, peer.asked.length], ["renamed", asked], "what was looked at before is not fetched again");
    const more = await sendJson(writ(), "PATCH", `/admin/clients/${a.client.client_id}`, [{ op: "add", path: "/redirect_uris/-", value: "https://evil.example/cb" }]);
    assert.deepEqual([more.status, more.body.error], [400, "invalid_client_metadata"]);
    assert.match(more.body.error_description, /sector_identifier_uri.*evil/);
  });

  test("OIDC Registration §5: a list that lacks a redirect URI, is no list, or cannot be had: invalid_client_metadata, which tells nothing of our network", async () => {
    peer.serve("/lacks", ["https://rp.example/other"]);
    peer.serve("/prefix", ["https://rp.example/cb/"]);
    peer.serve("/object", { redirect_uris: ["https://rp.example/cb"] });
    peer.serve("/html", "<html></html>");
    peer.serve("/string", '"https://rp.example/cb"');
    peer.serve("/large", JSON.stringify(["https://rp.example/cb", "x".repeat(70_000)]));
    peer.serve("/moved", (_: unknown, response: import("node:http").ServerResponse) => response.writeHead(302, { location: `${peer.url}/good` }).end());
    peer.serve("/good", ["https://rp.example/cb"]);
    const answers: string[] = [];
    const bad = ["/lacks", "/prefix", "/object", "/html", "/string", "/large", "/moved", "/missing"].map((path) => peer.url + path);
    for (const uri of [...bad, "http://10.0.0.1/sector", "http://169.254.169.254/latest", "http://127.0.0.1:1/", "https://does-not-exist.invalid/s"]) {
      const metadata = { redirect_uris: ["https://rp.example/cb"], subject_type: "pairwise", sector_identifier_uri: uri };
      for (const answer of [await callRegistration(writ(), "POST", "", { body: metadata }), await sendJson(writ(), "POST", "/admin/clients", metadata)]) {
        assert.deepEqual([answer.status, answer.body.error], [400, "invalid_client_metadata"], uri);
        assert.match(answer.body.error_description, /sector_identifier_uri/);
        answers.push(answer.body.error_description);
      }
    }
    assert.equal(new Set(answers.slice(-8)).size, 1, "refused, unreachable and unknown hosts look alike");
    for (const uri of ["ftp://rp.example/s", "javascript:x", "https://u:p@rp.example/s", "nowhere"])
      assert.equal((await callRegistration(writ(), "POST", "", { body: { redirect_uris: ["https://rp.example/cb"], sector_identifier_uri: uri } })).status, 400, uri);
  });

  test("OIDC Core §8.1: several hosts need a sector_identifier_uri; clients on people's own machines share subjects with nobody", async () => {
    const several = { redirect_uris: ["https://rp.example/cb", "https://rp2.example/cb"], subject_type: "pairwise" };
    const refused = await callRegistration(writ(), "POST", "", { body: several });
    assert.deepEqual([refused.status, refused.body.error], [400, "invalid_client_metadata"]);
    assert.match(refused.body.error_description, /sector_identifier_uri/);
    const uri = "http://127.0.0.1/cb";
    const subject = newSubject();
    const subs = new Set<string>();
    for (let i = 0; i < 2; i++) {
      const rp = await pairwise(writ(), { redirect_uris: [uri] });
      subs.add(claimsOf((await flow(writ(), { ...rp, redirectUri: uri, request: (more) => rp.request({ redirect_uri: uri, ...more }) }, subject)).id_token).sub);
    }
    assert.equal(subs.size, 2);
    const client = await registerClient(writ(), { subject_type: "pairwise", redirect_uris: ["com.example.app:/cb"] });
    assert.equal(client.subject_type, "pairwise");
  });

  test("DESIGN §2: introspecting a pairwise client's token takes one statement, as any other's", async () => {
    const tokens = await flow(writ(), await pairwise(writ()), newSubject());
    writ().resetStatements();
    assert.equal((await introspect(writ(), tokens.access_token)).active, true);
    assert.ok(writ().statements.length <= 1, JSON.stringify(writ().statements));
  });

  test("OIDC Discovery §3: subject_types_supported says so; without a subject_type a client is public", async () => {
    const { body } = await send(`${writ().publicUrl}/.well-known/openid-configuration`);
    assert.deepEqual(body.subject_types_supported, ["public", "pairwise"]);
    assert.equal((await registerClient(writ())).subject_type, "public");
  });
});

test("hydra.md §7.5: under compat hydra sub is Hydra's hash, JWTs have the real subject, admin introspection both", async () => {
  const writ = await startWrit("direct", { config: { ...PAIRWISE, compat: "hydra" } });
  try {
    const rp = await pairwise(writ, { redirect_uris: ["https://rp.example:8443/cb"], access_token_strategy: "jwt" });
    const at: Rp = {
      ...rp,
      redirectUri: "https://rp.example:8443/cb",
      request: (more) => rp.request({ redirect_uri: "https://rp.example:8443/cb", nonce: "n-0S6_WzA2Mj", ...more }),
    };
    const tokens = await flow(writ, at, "alice");
    const expected = hash("sha256", `rp.example:8443alice${SALT}`, "hex");
    assert.equal(claimsOf(tokens.id_token).sub, expected);
    assert.equal(claimsOf(tokens.access_token).sub, "alice");
    const known = await introspect(writ, tokens.access_token);
    assert.deepEqual([known.sub, known.obfuscated_subject], ["alice", expected]);
  } finally {
    await writ.close();
  }
});

test("OIDC Core §8: where only pairwise is supported every client is", async () => {
  const writ = await startWrit("direct", { config: { oidc: { subject_identifiers: { ...PAIRWISE.oidc.subject_identifiers, supported_types: ["pairwise"] } } } });
  try {
    const rp = await createRp(writ);
    assert.notEqual(claimsOf((await flow(writ, rp, "alice")).id_token).sub, "alice");
    const refused = await sendJson(writ, "POST", "/admin/clients", { subject_type: "public", redirect_uris: ["https://rp.example/cb"] });
    assert.deepEqual([refused.status, refused.body.error], [400, "invalid_client_metadata"]);
  } finally {
    await writ.close();
  }
});

test("hydra.md §7.5: without a salt, or with a short one, the configuration is refused", () => {
  const types = { supported_types: ["pairwise"] as "pairwise"[] };
  for (const subject_identifiers of [types, { ...types, pairwise: { salt: "short" } }]) assert.throws(() => configSchema.parse({ oidc: { subject_identifiers } }), /salt/);
});
