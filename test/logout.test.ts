import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { DAY, MINUTE, makeTestClock } from "./harness/clock.ts";
import { introspect, sendJson } from "./harness/http.ts";
import { accept, BYE, challengeOf, hasSession, isKnown, locationOf, logIn, logoutUrl, type Member } from "./harness/logout.ts";
import { createRp, getTokens, goToConsent, goToLogin, logoutApp, openUserAgent, parametersOf, refresh } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const time = makeTestClock();

describeWrit(
  "RP-initiated logout",
  { clock: time.clock, config: { urls: { logout: "https://apps.example/logout?theme=dark", post_logout_redirect: "https://apps.example/bye" } } },
  (writ) => {
    test("OIDC RP-Initiated Logout §2: hint, redirect URI and state: asked, logged out, sent back with state alone; prompt=none then is login_required", async () => {
      const member = await logIn(writ());
      const { agent, tokens, sid, subject, rp } = member;
      const asked = await agent.get(logoutUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE, state: "a b&c", ui_locales: "de" }));
      assert.equal(asked.status, 302);
      assert.match(locationOf(asked), /^https:\/\/apps\.example\/logout\?theme=dark&logout_challenge=writ_oc_/);
      const { logout_challenge: challenge = "" } = parametersOf(locationOf(asked));
      const { status, body } = await logoutApp.get(writ(), challenge);
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(body).toSorted(), ["challenge", "client", "expires_at", "request_url", "requested_at", "rp_initiated", "sid", "subject"]);
      assert.deepEqual([body.challenge, body.subject, body.sid, body.rp_initiated, body.client.client_id], [challenge, subject, sid, true, rp.client.client_id]);
      assert.equal(body.client.client_secret, undefined);
      assert.deepEqual(parametersOf(body.request_url), { client_id: rp.client.client_id, post_logout_redirect_uri: BYE, state: "a b&c", ui_locales: "de" });
      assert.equal(Date.parse(body.expires_at) - Date.parse(body.requested_at), 30 * MINUTE);
      assert.ok(await isKnown(writ(), member), "nothing has ended yet");
      const accepted = await logoutApp.accept(writ(), challenge);
      assert.match(accepted.body.redirect_to, /^http:\/\/127\.0\.0\.1:4444\/oauth2\/sessions\/logout\?logout_verifier=/);
      assert.ok(await isKnown(writ(), member), "nor by the app's answer alone");
      const done = await agent.get(accepted.body.redirect_to);
      assert.deepEqual([done.status, locationOf(done)], [303, `${BYE}?state=a+b%26c`]);
      assert.equal(hasSession(agent), false);
      const silent = parametersOf(locationOf(await agent.get(rp.request({ prompt: "none" }))));
      assert.equal(silent.error, "login_required");
    });

    test("OIDC RP-Initiated Logout §3: without state none is sent back; without a redirect URI, or with nothing at all, logouts end where the operator says", async () => {
      for (const [parameters, end] of [
        [{ post_logout_redirect_uri: BYE }, BYE],
        [{}, "https://apps.example/bye"],
        [{ state: "only" }, "https://apps.example/bye"],
      ] as const)
        for (const withHint of [true, false]) {
          if (!withHint && "post_logout_redirect_uri" in parameters) continue;
          const { agent, tokens } = await logIn(writ());
          const challenge = await challengeOf(agent, { ...parameters, ...(withHint ? { id_token_hint: tokens.id_token } : {}) });
          const { body } = await logoutApp.get(writ(), challenge);
          assert.deepEqual([body.rp_initiated, body.client === null], [withHint, !withHint]);
          assert.equal(locationOf(await accept(writ(), agent, challenge)), end);
          assert.equal(hasSession(agent), false);
        }
    });

    test("OIDC RP-Initiated Logout §2: a hint that has expired is one still", async () => {
      const { agent, tokens } = await logIn(writ());
      time.advance(DAY);
      assert.equal(locationOf(await accept(writ(), agent, await challengeOf(agent, { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE }))), BYE);
    });

    test("OIDC RP-Initiated Logout §4: a hint that is none, and a redirect URI that is not registered to the letter, get a page that names them and no redirect; nobody is logged out", async () => {
      const member = await logIn(writ());
      const { agent, tokens, rp } = member;
      const claims = decodeJwt(tokens.id_token);
      const { privateKey, publicKey } = await generateKeyPair("RS256");
      const foreign = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: (await exportJWK(publicKey)).n?.slice(0, 20) ?? "" }).sign(privateKey);
      const known = JSON.parse(Buffer.from(tokens.id_token.split(".")[0], "base64url").toString());
      const sameKid = await new SignJWT(claims).setProtectedHeader({ alg: "RS256", kid: known.kid }).sign(privateKey);
      const hmac = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: known.kid }).sign(new TextEncoder().encode(rp.client.client_secret));
      const other = await createRp(writ(), { post_logout_redirect_uris: [BYE] });
      const hint = tokens.id_token;
      for (const [parameters, named] of [
        [{ id_token_hint: new UnsecuredJWT(claims).encode(), post_logout_redirect_uri: BYE }, "id_token_hint"],
        [{ id_token_hint: foreign, post_logout_redirect_uri: BYE }, "id_token_hint"],
        [{ id_token_hint: sameKid, post_logout_redirect_uri: BYE }, "id_token_hint"],
        [{ id_token_hint: hmac, post_logout_redirect_uri: BYE }, "id_token_hint"],
        [{ id_token_hint: `${hint.slice(0, -4)}AAAA`, post_logout_redirect_uri: BYE }, "id_token_hint"],
        [{ id_token_hint: tokens.access_token, post_logout_redirect_uri: BYE }, "id_token_hint"],
        [{ id_token_hint: "x", post_logout_redirect_uri: BYE }, "id_token_hint"],
        [{ id_token_hint: hint, post_logout_redirect_uri: `${BYE}?foo=bar` }, "post_logout_redirect_uri"],
        [{ id_token_hint: hint, post_logout_redirect_uri: `${BYE}/` }, "post_logout_redirect_uri"],
        [{ id_token_hint: hint, post_logout_redirect_uri: "https://rp.example/cb" }, "post_logout_redirect_uri"],
        [{ id_token_hint: hint, post_logout_redirect_uri: "https://evil.example/" }, "post_logout_redirect_uri"],
        [{ post_logout_redirect_uri: BYE }, "post_logout_redirect_uri"],
        [{ id_token_hint: hint, client_id: other.client.client_id, post_logout_redirect_uri: BYE }, "client_id"],
        [{ client_id: "nobody", post_logout_redirect_uri: BYE }, "client_id"],
        [{ id_token_hint: hint, state: "x".repeat(6000) }, "parameters"],
      ] as const) {
        const answer = await agent.get(logoutUrl(parameters));
        assert.deepEqual([answer.status, answer.headers.get("location")], [400, null], JSON.stringify(parameters));
        assert.match(answer.text, new RegExp(`error-description">[^<]*${named}`), answer.text);
        assert.match(answer.text, /<code id="error">invalid_request</);
      }
      const twice = await agent.get(`${logoutUrl({ id_token_hint: hint, state: "a" })}&state=b`);
      assert.deepEqual([twice.status, /state/.test(twice.text)], [400, true]);
      assert.ok(await isKnown(writ(), member));
    });

    test("RFC 8725 §3.11: a logout token is no ID token hint, at neither endpoint", async () => {
      const { agent, tokens, rp } = await logIn(writ());
      const { body } = await sendJson(writ(), "GET", "/admin/keys/hydra.openid.id-token");
      assert.ok(body.keys.length > 0);
      const { signLogoutToken } = await import("#core/logout/logout-token.ts");
      const { KEY_ALGORITHMS } = await import("#core/keys/algorithms.ts");
      const key = { kid: "k", alg: "ES256", privateKey: await KEY_ALGORITHMS.ES256.make() } as const;
      const settings = { issuerUrl: "http://127.0.0.1:4444" } as never;
      const jwk = key.privateKey.export({ format: "jwk" });
      const put = await sendJson(writ(), "PUT", "/admin/keys/hydra.openid.id-token/k", { ...jwk, kid: "k", alg: "ES256", use: "sig" });
      assert.equal(put.status, 200, put.text);
      const sid = Buffer.from(String(decodeJwt(tokens.id_token).sid), "hex");
      const token = signLogoutToken({ settings, random: (n) => Buffer.alloc(n, 1) }, key, { clientId: rp.client.client_id, subject: "x", sid }, time.clock());
      const refused = await agent.get(logoutUrl({ id_token_hint: token }));
      assert.deepEqual([refused.status, /id_token_hint/.test(refused.text)], [400, true]);
      assert.equal(parametersOf(locationOf(await agent.get(rp.request({ id_token_hint: token })))).error, "invalid_request");
      // It is the kind and not the key that is refused.
      const { signJwt } = await import("#core/token/jwt.ts");
      const same = signJwt(key, "JWT", { ...decodeJwt(tokens.id_token) });
      assert.equal((await agent.get(logoutUrl({ id_token_hint: same }))).status, 302);
    });

    test("OIDC RP-Initiated Logout §2: client_id alone says whose the redirect URI is, and the person is always asked", async () => {
      const { agent, rp } = await logIn(writ(), { metadata: { skip_logout_consent: true } });
      const challenge = await challengeOf(agent, { client_id: rp.client.client_id, post_logout_redirect_uri: BYE, state: "s" });
      const { body } = await logoutApp.get(writ(), challenge);
      assert.deepEqual([body.rp_initiated, body.client], [false, null]);
      assert.equal(locationOf(await accept(writ(), agent, challenge)), `${BYE}?state=s`);
    });

    test("OIDC RP-Initiated Logout §2: nobody is logged in: no error, nobody is asked, nothing is written", async () => {
      const { agent, tokens } = await logIn(writ());
      await accept(writ(), agent, await challengeOf(agent, {}));
      writ().resetStatements();
      const stranger = openUserAgent(writ());
      assert.equal(locationOf(await stranger.get(logoutUrl({}))), "https://apps.example/bye");
      for (const each of [agent, stranger])
        assert.equal(locationOf(await each.get(logoutUrl({ id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE, state: "s" }))), `${BYE}?state=s`);
      assert.equal(stranger.cookies.size, 0);
      assert.equal(writ().statements.filter(({ kind }) => kind === "write").length, 0);
    });

    test("DESIGN §3: asking writes nothing; rejecting is 204 and changes nothing; a later accept of the same request counts", async () => {
      const member = await logIn(writ());
      writ().resetStatements();
      const challenge = await challengeOf(member.agent, { id_token_hint: member.tokens.id_token });
      const rejected = await logoutApp.reject(writ(), challenge);
      assert.deepEqual([rejected.status, rejected.text], [204, ""]);
      assert.equal(writ().statements.filter(({ kind }) => kind === "write").length, 0);
      assert.ok(await isKnown(writ(), member));
      await accept(writ(), member.agent, challenge);
      assert.equal(await isKnown(writ(), member), false);
    });

    test("hydra.md §3.6: an unknown challenge is 404, a missing one 400, one that has expired 401; its alias works", async () => {
      const { agent } = await logIn(writ());
      const challenge = await challengeOf(agent, {});
      const late = (await logoutApp.accept(writ(), challenge)).body.redirect_to;
      assert.equal((await sendJson(writ(), "GET", `/admin/oauth2/auth/requests/logout?challenge=${challenge}`)).status, 200);
      const login = await goToLogin(agent, (await createRp(writ())).request());
      for (const act of [logoutApp.get, logoutApp.accept, logoutApp.reject]) {
        assert.equal((await act(writ(), "x")).status, 404);
        assert.equal((await act(writ(), "")).status, 400);
        assert.equal((await act(writ(), login)).status, 404, "the challenge of a login is none");
        assert.equal((await act(writ(), late.split("=")[1])).status, 404, "nor is a verifier");
      }
      time.advance(31 * MINUTE);
      for (const act of [logoutApp.get, logoutApp.accept, logoutApp.reject])
        assert.deepEqual(await act(writ(), challenge).then(({ status, body }) => [status, body.error]), [401, "request_unauthorized"]);
      const answer = await agent.get(late);
      assert.deepEqual([answer.status, hasSession(agent)], [400, true]);
    });

    test("DESIGN §3: a verifier counts in the browser that was asked and in no other; a challenge is no verifier", async () => {
      const victim = await logIn(writ());
      const attacker = openUserAgent(writ());
      const challenge = await challengeOf(attacker, { id_token_hint: victim.tokens.id_token });
      const { redirect_to: url } = (await logoutApp.accept(writ(), challenge)).body;
      const sent = await victim.agent.get(url);
      assert.deepEqual([sent.status, sent.headers.get("location")], [400, null]);
      assert.match(sent.text, /access_denied/);
      assert.deepEqual(
        [(await victim.agent.get(`/oauth2/sessions/logout?logout_verifier=${challenge}`)).status, (await victim.agent.get("/oauth2/sessions/logout?logout_verifier=x")).status],
        [400, 400],
      );
      assert.ok(await isKnown(writ(), victim));
    });

    test("hydra.md §7.8: a verifier brought again ends no session that began since; two at once both go on", async () => {
      const member = await logIn(writ());
      const { agent, rp } = member;
      const challenge = await challengeOf(agent, { id_token_hint: member.tokens.id_token, post_logout_redirect_uri: BYE });
      const { redirect_to: url } = (await logoutApp.accept(writ(), challenge)).body;
      assert.deepEqual((await Promise.all([agent.get(url), agent.get(url), agent.get(url)])).map(locationOf), [BYE, BYE, BYE]);
      await getTokens(writ(), rp, { agent, login: { subject: member.subject, remember: true } });
      assert.equal(locationOf(await agent.get(url)), BYE);
      assert.ok(await isKnown(writ(), member));
    });

    test("OIDC RP-Initiated Logout §2, §6: whoever shows the ID token of somebody else logs nobody out here, and is never let off the question", async () => {
      const metadata = { skip_logout_consent: true };
      const victim = await logIn(writ(), { metadata });
      const attacker = await logIn(writ(), { metadata });
      // The attacker's own token, in the victim's browser.
      const challenge = await challengeOf(victim.agent, { id_token_hint: attacker.tokens.id_token });
      const { body } = await logoutApp.get(writ(), challenge);
      assert.deepEqual([body.subject, body.sid, body.client.skip_logout_consent], [attacker.subject, attacker.sid, false]);
      await accept(writ(), victim.agent, challenge);
      assert.ok((await isKnown(writ(), victim)) && hasSession(victim.agent));
      assert.equal(await isKnown(writ(), attacker), false, "it was the token's own session that ended");
      // Ended or not, it says nothing of this browser.
      assert.equal(locationOf(await victim.agent.get(logoutUrl({ id_token_hint: attacker.tokens.id_token, post_logout_redirect_uri: BYE }))), BYE);
      assert.ok(await isKnown(writ(), victim));
      const own = await logoutApp.get(writ(), await challengeOf(victim.agent, { id_token_hint: victim.tokens.id_token }));
      assert.equal(own.body.client.skip_logout_consent, true);
    });

    test("OIDC RP-Initiated Logout §2: the token of an earlier session of the same person ends the browser's own, after a question", async () => {
      const first = await logIn(writ(), { metadata: { skip_logout_consent: true } });
      const { agent, subject } = first;
      await getTokens(writ(), first.rp, { agent, request: { prompt: "login" }, login: { subject, remember: true } });
      const challenge = await challengeOf(agent, { id_token_hint: first.tokens.id_token });
      const { body } = await logoutApp.get(writ(), challenge);
      assert.deepEqual([body.subject, body.sid !== first.sid, body.client.skip_logout_consent], [subject, true, false]);
      await accept(writ(), agent, challenge);
      assert.equal(await isKnown(writ(), first), false);
    });

    test("conformance.md §2.6: a login that is not remembered has a session that its ID token ends", async () => {
      const { agent, tokens, sid, rp } = await logIn(writ(), { remember: false });
      assert.equal(hasSession(agent), false);
      const hint = { id_token_hint: tokens.id_token, post_logout_redirect_uri: BYE };
      const challenge = await challengeOf(agent, hint);
      assert.equal((await logoutApp.get(writ(), challenge)).body.sid, sid);
      assert.equal(locationOf(await accept(writ(), agent, challenge)), BYE);
      assert.equal(locationOf(await agent.get(logoutUrl(hint))), BYE, "and then there is nobody left to ask");
      assert.equal(parametersOf(locationOf(await agent.get(rp.request({ prompt: "none" })))).error, "login_required");
    });

    test("DESIGN §2: tokens outlive a logout, as in Hydra; flows that were begun in the session do not", async () => {
      const { agent, tokens, rp, subject } = await logIn(writ());
      const challenge = await goToConsent(writ(), agent, rp.request(), { subject });
      await accept(writ(), agent, await challengeOf(agent, {}));
      assert.equal((await introspect(writ(), tokens.access_token)).active, true);
      assert.equal((await refresh(writ(), rp, tokens.refresh_token)).status, 200);
      const consented = await sendJson(writ(), "PUT", `/admin/oauth2/auth/requests/consent/accept?consent_challenge=${challenge}`, { grant_scope: ["openid"] });
      const { code, login_challenge: again } = parametersOf(locationOf(await agent.get(consented.body.redirect_to)));
      assert.deepEqual([code, again === undefined], [undefined, false]);
    });

    test("OIDC RP-Initiated Logout §2: by POST as by GET; a form of another site, which brings no cookies, is loaded again with them", async () => {
      const member = await logIn(writ());
      const form = { id_token_hint: member.tokens.id_token, post_logout_redirect_uri: BYE, state: "s" };
      const direct = await member.agent.post("/oauth2/sessions/logout", form);
      assert.match(locationOf(direct), /logout_challenge=/);
      const bare = await openUserAgent(writ()).post("/oauth2/sessions/logout", form);
      assert.deepEqual([bare.status, new URL(locationOf(bare)).pathname, parametersOf(locationOf(bare))], [303, "/oauth2/sessions/logout", form]);
      assert.equal(hasSession(member.agent), true, "and no cookie was taken away");
      const challenge = parametersOf(locationOf(await member.agent.get(locationOf(bare)))).logout_challenge ?? assert.fail();
      assert.equal(locationOf(await accept(writ(), member.agent, challenge)), `${BYE}?state=s`);
      const json = await member.agent.get("/oauth2/sessions/logout?id_token_hint=x");
      assert.match(json.headers.get("content-type") ?? "", /html/);
    });

    test("a session that an administrator revoked, or that has expired, is nobody's: the cookie goes, nobody is asked", async () => {
      for (const end of [
        (member: Member) => sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login?subject=${member.subject}`),
        (member: Member) => sendJson(writ(), "DELETE", `/admin/oauth2/auth/sessions/login?sid=${member.sid}`),
        async () => time.advance(31 * DAY),
      ]) {
        const member = await logIn(writ());
        await end(member);
        assert.equal(locationOf(await member.agent.get(logoutUrl({}))), "https://apps.example/bye");
        assert.equal(hasSession(member.agent), false);
      }
    });

    test("a redirect URI, or a client, that was taken away while the person was asked is not gone to; the logout counts", async () => {
      for (const take of [
        ({ rp }: Member) => sendJson(writ(), "PATCH", `/admin/clients/${rp.client.client_id}`, [{ op: "replace", path: "/post_logout_redirect_uris", value: [] }]),
        ({ rp }: Member) => sendJson(writ(), "DELETE", `/admin/clients/${rp.client.client_id}`),
      ]) {
        const member = await logIn(writ());
        const challenge = await challengeOf(member.agent, { id_token_hint: member.tokens.id_token, post_logout_redirect_uri: BYE });
        assert.ok((await take(member)).status < 300);
        assert.equal((await logoutApp.get(writ(), challenge)).status, 200);
        assert.equal(locationOf(await accept(writ(), member.agent, challenge)), "https://apps.example/bye");
        assert.equal(hasSession(member.agent), false);
      }
    });
  },
);
