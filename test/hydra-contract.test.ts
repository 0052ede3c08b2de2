import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import { MINUTE, makeTestClock } from "./harness/clock.ts";
import { authorizeDevice, createDevice, goToDeviceConsent, goToDeviceLogin, newCodes } from "./harness/device.ts";
import { type Answer, createClient, postForm, send, sendJson } from "./harness/http.ts";
import { BYE, challengeOf, logIn } from "./harness/logout.ts";
import { consentApp, createRp, getTokens, goToLogin, loginApp, logoutApp, newSubject, openUserAgent, parametersOf } from "./harness/user-agent.ts";
import { describeWrit } from "./harness/writ.ts";

const names = (body: object): string[] => Object.keys(body).toSorted();
const errorOf = ({ status, body }: Answer) => [status, body?.error];
const APPS = {
  login: "https://login.example/l?lang=de",
  consent: "https://login.example/c?lang=de",
  registration: "https://login.example/r",
  error: "https://login.example/e?lang=de",
  logout: "https://login.example/bye",
};
const time = makeTestClock();

/** Hydra's members of a login request; the consent request has these but `session_id`, and more. */
const LOGIN = ["challenge", "client", "oidc_context", "request_url", "requested_access_token_audience", "requested_scope", "session_id", "skip", "subject"];
const CONSENT = [...LOGIN.filter((name) => name !== "session_id"), "acr", "amr", "consent_request_id", "context", "login_challenge", "login_session_id"].toSorted();

for (const compat of ["none", "hydra"] as const)
  describeWrit(
    `what Hydra's users read, compat: ${compat}`,
    { clock: time.clock, config: { compat, urls: { self: { issuer: "http://127.0.0.1:4444" }, ...APPS } } },
    (writ) => {
      const agent = () => openUserAgent(writ());
      const state = "a state that is long";
      const ask = async (url: string) => (await agent().get(url)).headers.get("location") ?? "";

      test("hydra.md §3.4, §3.5, §3.8: login request, consent request and consent session have Hydra's members", async () => {
        const rp = await createRp(writ(), { audience: ["https://api.example"] });
        const subject = newSubject();
        const browser = agent();
        const challenge = await goToLogin(browser, rp.request({ audience: "https://api.example" }));
        const { body: login } = await loginApp.get(writ(), challenge);
        assert.deepEqual(names(login), LOGIN);
        assert.deepEqual([login.oidc_context, login.requested_access_token_audience, login.subject], [{}, ["https://api.example"], ""]);
        const accepted = await loginApp.accept(writ(), challenge, { subject, acr: "1", amr: ["pwd"], context: { a: 1 } });
        assert.deepEqual(names(accepted.body), ["redirect_to"]);
        assert.ok(accepted.body.redirect_to.startsWith(`${login.request_url}&login_verifier=`));
        const { consent_challenge: consentChallenge = "" } = parametersOf((await browser.get(accepted.body.redirect_to)).headers.get("location"));
        const { body: consent } = await consentApp.get(writ(), consentChallenge);
        assert.deepEqual(names(consent), CONSENT);
        assert.deepEqual([consent.login_session_id, consent.request_url, consent.client], [login.session_id, login.request_url, login.client]);
        assert.match(consent.login_challenge, /^[0-9a-f]{32}$/);
        const body = { grant_scope: ["openid", "beyond"], remember: true, handled_at: "2020-01-01T00:00:00Z", session: { access_token: {}, id_token: {} } };
        const answer = await consentApp.accept(writ(), consentChallenge, body);
        assert.ok(answer.body.redirect_to.startsWith(`${login.request_url}&consent_verifier=`));
        assert.equal(parametersOf((await browser.get(answer.body.redirect_to)).headers.get("location")).scope, "openid beyond", "what is granted is the app's to say");
        const [session] = (await sendJson(writ(), "GET", `/admin/oauth2/auth/sessions/consent?subject=${subject}`)).body;
        const members = ["consent_request", "consent_request_id", "grant_access_token_audience", "grant_scope", "handled_at", "remember", "remember_for", "session"];
        assert.deepEqual(
          names(session).filter((name) => name !== "context"),
          members,
        );
        assert.deepEqual(names(session.consent_request), CONSENT);
        assert.notEqual(session.handled_at, body.handled_at);
        // A challenge that was answered can be read and answered again: only a verifier counts once.
        assert.deepEqual([(await loginApp.get(writ(), challenge)).status, (await consentApp.get(writ(), consentChallenge)).status], [200, 200]);
      });

      test("hydra.md §3.6: a logout request has Hydra's members; its client is null unless a client asked", async () => {
        const member = await logIn(writ(), { metadata: { skip_logout_consent: true } });
        for (const [parameters, initiated] of [
          [{}, false],
          [{ id_token_hint: member.tokens.id_token, post_logout_redirect_uri: BYE, state }, true],
        ] as const) {
          const { body } = await logoutApp.get(writ(), await challengeOf(member.agent, parameters));
          assert.deepEqual(names(body), ["challenge", "client", "expires_at", "request_url", "requested_at", "rp_initiated", "sid", "subject"]);
          assert.deepEqual([body.rp_initiated, body.subject, body.sid], [initiated, member.subject, member.sid]);
          assert.equal(Date.parse(body.expires_at) - Date.parse(body.requested_at), 30 * MINUTE);
          assert.deepEqual(initiated ? body.client.skip_logout_consent : body.client, initiated ? true : null);
        }
      });

      test("hydra.md §7.10: in a device's flow both requests have the same members, and no user code in their URL", async () => {
        const device = await createDevice(writ(), { token_endpoint_auth_method: "client_secret_basic" });
        const codes = await newCodes(writ(), device);
        const browser = agent();
        const { body: login } = await loginApp.get(writ(), await goToDeviceLogin(writ(), browser, codes.user_code));
        const { body: consent } = await consentApp.get(writ(), await goToDeviceConsent(writ(), agent(), codes.user_code));
        assert.deepEqual([names(login), names(consent)], [LOGIN, CONSENT.filter((name) => name !== "context")]);
        for (const { request_url: url, requested_scope: scope } of [login, consent]) {
          assert.ok(url.startsWith("http://127.0.0.1:4444/oauth2/device/verify?") && !url.includes(codes.user_code), url);
          assert.deepEqual(scope, ["openid", "offline_access", "read"]);
        }
      });

      test("hydra.md §2.1: apps are visited at their URLs with what these have in their query; prompt=registration and identity_schema", async () => {
        const rp = await createRp(writ());
        const login = await ask(rp.request({ state, identity_schema: "a b&c", tenant: "t" }));
        assert.match(login, /^https:\/\/login\.example\/l\?lang=de&/);
        assert.equal(parametersOf(login).identity_schema, "a b&c");
        const { body } = await loginApp.get(writ(), parametersOf(login).login_challenge ?? "");
        assert.equal(new URL(body.request_url).searchParams.get("tenant"), "t", "what else the client sent is in the request's URL");
        assert.match(await ask(rp.request({ state, prompt: "registration" })), /^https:\/\/login\.example\/r\?login_challenge=/);
        const browser = agent();
        const accepted = await loginApp.accept(writ(), await goToLogin(browser, rp.request({ state })));
        assert.match((await browser.get(accepted.body.redirect_to)).headers.get("location") ?? "", /^https:\/\/login\.example\/c\?lang=de&consent_challenge=/);
      });

      test("hydra.md §2.1: what no client may be told goes to urls.error by 302, the rest to the client by 303, never kept", async () => {
        const rp = await createRp(writ());
        for (const [more, error] of [
          [{ client_id: "nobody" }, "invalid_client"],
          [{ redirect_uri: "https://evil.example" }, "invalid_request"],
        ] as const) {
          const { status, headers } = await agent().get(rp.request({ state, ...more }));
          const { lang, error: told, error_description: description } = parametersOf(headers.get("location"));
          assert.deepEqual([status, lang, told, headers.get("cache-control"), headers.get("pragma")], [302, "de", error, "no-store", "no-cache"]);
          assert.ok(headers.get("location")?.startsWith("https://login.example/e?") && description);
        }
        const told = await agent().get(rp.request({ state, scope: "nothing" }));
        assert.deepEqual([told.status, told.headers.get("cache-control"), told.headers.get("pragma")], [303, "no-store", "no-cache"]);
        assert.deepEqual(names(parametersOf(told.headers.get("location"))), ["error", "error_description", "iss", "state"]);
      });

      test("hydra.md §2.1, §8.8: audience is repeated or separated by spaces; a URL allows what is below it", async () => {
        const rp = await createRp(writ(), { audience: ["https://api.example/v1", "urn:api"] });
        const both = ["https://api.example/v1/users", "urn:api"];
        for (const url of [rp.request({ state, audience: both.join(" ") }), `${rp.request({ state, audience: both[0] })}&audience=${both[1]}`]) {
          const { body } = await loginApp.get(writ(), await goToLogin(agent(), url));
          assert.deepEqual(body.requested_access_token_audience, both);
        }
        assert.equal(parametersOf(await ask(rp.request({ state, audience: "https://api.example/v10" }))).error, "invalid_request");
      });

      test("hydra.md §5.1, §5.2: errors have the two members and no more; descriptions begin as clients look for, and hold no double quote", async () => {
        const rp = await createRp(writ());
        const basic = [rp.client.client_id, rp.client.client_secret] as const;
        const token = (form: Record<string, string>, secret: string = basic[1]) => postForm(`${writ().publicUrl}/oauth2/token`, form, { basic: [basic[0], secret] });
        for (const [answer, status, error, begins] of [
          [await token({ grant_type: "authorization_code", code: "x" }), 400, "invalid_grant", "The provided authorization grant"],
          [await token({ grant_type: "authorization_code", code: "x" }, "wrong"), 401, "invalid_client", "Client authentication failed"],
          [await authorizeDevice(writ(), await createDevice(writ()), { scope: "nothing" }), 400, "invalid_scope", "The requested scope is invalid"],
          [await postForm(`${writ().adminUrl}/admin/oauth2/introspect`, {}), 400, "invalid_request", ""],
        ] as const) {
          assert.deepEqual([...errorOf(answer), names(answer.body)], [status, error, ["error", "error_description"]]);
          assert.ok(answer.body.error_description.startsWith(begins), answer.body.error_description);
          assert.deepEqual(
            ["content-type", "cache-control", "pragma"].map((name) => answer.headers.get(name)),
            ["application/json;charset=UTF-8", "no-store", "no-cache"],
          );
        }
        for (const [method, path, body, status, error] of [
          ["POST", "/admin/clients", { redirect_uris: ['x"y'] }, 400, "invalid_redirect_uri"],
          ["POST", "/admin/clients", { subject_type: 'x"y' }, 400, "invalid_client_metadata"],
          ["GET", "/admin/keys/nothing-here", undefined, 404, "Unable to locate the resource"],
          ["GET", "/admin/oauth2/auth/requests/login?login_challenge=x", undefined, 404, "Not Found"],
          ["PUT", "/admin/oauth2/auth/requests/logout/accept", {}, 400, "invalid_request"],
        ] as const) {
          const answer = await sendJson(writ(), method, path, body);
          assert.deepEqual([...errorOf(answer), names(answer.body)], [status, error, ["error", "error_description"]], path);
          assert.ok(!answer.body.error_description.includes('"'), answer.text);
          assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
        }
      });

      test("hydra.md §1.1: the prefix /admin may be left out, one slash at the end too; answers to GET are kept by nobody", async () => {
        const { client_id: id } = await createClient(writ());
        for (const path of [`/admin/clients/${id}`, `/clients/${id}`, `/clients/${id}/`, "/version", "/admin/version/", "/health/alive", "/admin/health/ready"]) {
          const answer = await send(writ().adminUrl + path);
          assert.deepEqual([answer.status, answer.headers.get("cache-control")], [200, "private, no-cache, no-store, must-revalidate"], path);
        }
        assert.equal((await send(`${writ().publicUrl}/health/alive/`)).status, 200);
        for (const path of ["/version", "/admin/clients", "/clients"]) assert.equal((await send(writ().publicUrl + path)).status, 404, `${path} is not for the public port`);
      });

      test("hydra.md §2.4, §8.6: the answer to a device has Hydra's members", async () => {
        const { body } = await authorizeDevice(writ(), await createDevice(writ()));
        assert.deepEqual(names(body), ["device_code", "expires_in", "interval", "user_code", "verification_uri", "verification_uri_complete"]);
        assert.deepEqual([body.expires_in, body.interval, body.verification_uri], [600, 5, "http://127.0.0.1:4444/oauth2/device/verify"]);
        assert.equal(body.verification_uri_complete, `${body.verification_uri}?user_code=${body.user_code}`);
      });

      test("hydra.md §2.2, §2.6: a token answer and userinfo have Hydra's members", async () => {
        const rp = await createRp(writ());
        const tokens = await getTokens(writ(), rp, { request: { state, nonce: "n-0S6_WzA2Mj" }, login: { subject: "bob", acr: "2", amr: ["pwd"] } });
        assert.deepEqual(names(tokens), ["access_token", "expires_in", "id_token", "refresh_token", "scope", "token_type"]);
        const own = ["acr", "amr", "aud", "auth_time", "iat", "iss", ...(compat === "hydra" ? ["rat"] : []), "sub"];
        assert.deepEqual(names(decodeJwt(tokens.id_token)), [...own, "at_hash", "exp", "jti", "nonce", "sid"].toSorted());
        const { body } = await send(`${writ().publicUrl}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
        assert.deepEqual(names(body), own);
        assert.deepEqual(body.aud, [rp.client.client_id]);
      });
    },
    ["direct"],
  );
