import assert from "node:assert/strict";
import { test } from "node:test";
import type { AcceptOAuth2ConsentRequest, AcceptOAuth2LoginRequest } from "@ory/hydra-client";
import { locationOf } from "../harness/logout.ts";
import { createRp, newSubject, openUserAgent, parametersOf, type Rp, type UserAgent } from "../harness/user-agent.ts";
import { assertShape, CLIENT, CONSENT, CONSENT_SESSION, LOGIN } from "./shapes.ts";
import { assertDone, assertError, assertJson, got, type HydraSite, readPages } from "./site.ts";

const STATE = { state: "long enough a state" } as const;

/** Login and consent requests, and what comes of them: hydra.md §2.1, §3.4, §3.5, §3.8. */
export function handshakeCases(site: () => HydraSite): void {
  const toLogin = async (agent: UserAgent, url: string): Promise<string> => parametersOf(locationOf(await agent.get(url))).login_challenge ?? assert.fail("no login");
  const accept = async (loginChallenge: string, acceptOAuth2LoginRequest: AcceptOAuth2LoginRequest): Promise<string> => {
    const data = assertJson(await site().admin.acceptOAuth2LoginRequest({ loginChallenge, acceptOAuth2LoginRequest }));
    assert.deepEqual(Object.keys(data), ["redirect_to"]);
    return data.redirect_to;
  };
  const toConsent = async (agent: UserAgent, url: string, login: AcceptOAuth2LoginRequest): Promise<string> =>
    parametersOf(locationOf(await agent.get(await accept(await toLogin(agent, url), login)))).consent_challenge ?? assert.fail("no consent");
  const consentTo = async (consentChallenge: string, acceptOAuth2ConsentRequest: AcceptOAuth2ConsentRequest): Promise<string> => {
    const data = assertJson(await site().admin.acceptOAuth2ConsentRequest({ consentChallenge, acceptOAuth2ConsentRequest }));
    assert.deepEqual(Object.keys(data), ["redirect_to"]);
    return data.redirect_to;
  };
  const newRp = (metadata: object = {}): Promise<Rp> => createRp(site().writ, metadata);
  /** A consent that holds: of whom, to which client. */
  const agree = async (subject: string, rp: Rp, more: AcceptOAuth2ConsentRequest = {}, agent = openUserAgent(site().writ)) => {
    const consentChallenge = await toConsent(agent, rp.request(STATE), { subject, remember: true });
    const answer = await agent.get(await consentTo(consentChallenge, { grant_scope: ["openid", "read"], ...more }));
    assert.equal(answer.status, 303);
    return { agent, answer: parametersOf(locationOf(answer)) };
  };

  test("hydra.md §2.1: oAuth2Authorize is 302 to the login app with a cookie and no-store; errors are 302 to urls.error, or 303 to the client with state", async () => {
    const rp = await newRp();
    const ask = (parameters: Readonly<Record<string, string>>) => site().open().oAuth2Authorize({ params: parameters });
    const right = Object.fromEntries(new URLSearchParams(rp.request(STATE).split("?")[1]));
    const begun = got(await ask(right));
    assert.equal(begun.status, 302);
    assert.match(String(begun.headers.location), /^https:\/\/apps\.example\/login\?login_challenge=[\w.-]+$/);
    assert.match(String(begun.headers["set-cookie"]), /^ory_hydra_login_csrf/);
    assert.deepEqual([begun.headers["cache-control"], begun.headers.pragma], ["no-store", "no-cache"]);

    const unknown = got(await ask({ ...right, client_id: "nobody" }));
    assert.equal(unknown.status, 302);
    assert.match(String(unknown.headers.location), /^https:\/\/apps\.example\/error\?/);
    assert.deepEqual(Object.keys(parametersOf(String(unknown.headers.location))).toSorted(), ["error", "error_description"]);
    assert.equal(parametersOf(String(unknown.headers.location)).error, "invalid_client");
    for (const [more, error] of [
      [{ response_type: "token" }, "unsupported_response_type"],
      [{ scope: "openid admin" }, "invalid_scope"],
      [{ state: "short" }, "invalid_state"],
      [{ nonce: "short" }, "insufficient_entropy"],
      [{ prompt: "none login" }, "invalid_request"],
      [{ prompt: "none" }, "login_required"],
      [{ registration: "x" }, "registration_not_supported"],
      [{ audience: "https://nobody.example" }, "invalid_request"],
      [{ response_mode: "x" }, "unsupported_response_mode"],
    ] as const) {
      const told = got(await ask({ ...right, ...more }));
      assert.equal(told.status, 303, error);
      assert.ok(String(told.headers.location).startsWith(rp.redirectUri), error);
      const parameters = parametersOf(String(told.headers.location));
      assert.deepEqual([parameters.error, parameters.state, parameters.error_description !== ""], [error, "state" in more ? more.state : STATE.state, true]);
    }
  });

  test("hydra.md §3.4: getOAuth2LoginRequest shows every member, also read again after it was accepted; no challenge is 400, one that is none 404", async () => {
    const rp = await newRp({ audience: ["https://api.example"] });
    const agent = openUserAgent(site().writ);
    const url = rp.request({ ...STATE, audience: "https://api.example", login_hint: "alice", display: "popup", ui_locales: "de en", acr_values: "a b", custom: "kept" });
    const loginChallenge = await toLogin(agent, url);
    const login = assertJson(await site().admin.getOAuth2LoginRequest({ loginChallenge }));
    assertShape(login, LOGIN, "a login request");
    assertShape(login.client, CLIENT, "its client");
    assert.deepEqual(
      [login.challenge, login.requested_scope, login.requested_access_token_audience, login.skip, login.subject, login.client.client_id],
      [loginChallenge, ["openid", "offline_access", "read"], ["https://api.example"], false, "", rp.client.client_id],
    );
    assert.deepEqual(login.oidc_context, { login_hint: "alice", display: "popup", ui_locales: ["de", "en"], acr_values: ["a", "b"] });
    assert.deepEqual(parametersOf(login.request_url), parametersOf(url));
    assert.ok(login.request_url.startsWith("http://127.0.0.1:4444/oauth2/auth?"));
    const subject = newSubject();
    const redirectTo = await accept(loginChallenge, { subject, remember: true });
    assert.deepEqual(parametersOf(redirectTo), { ...parametersOf(login.request_url), login_verifier: parametersOf(redirectTo).login_verifier });
    assert.equal((await site().admin.getOAuth2LoginRequest({ loginChallenge })).status, 200);
    await agent.get(redirectTo);
    const known = assertJson(await site().admin.getOAuth2LoginRequest({ loginChallenge: await toLogin(agent, rp.request(STATE)) }));
    assertShape(known, LOGIN, "a login request of a browser that is known");
    assert.deepEqual([known.skip, known.subject, known.session_id, known.oidc_context], [true, subject, login.session_id, {}]);
    assertError(await site().admin.getOAuth2LoginRequest({ loginChallenge: "" }), 400, "invalid_request");
    assertError(await site().admin.getOAuth2LoginRequest({ loginChallenge: "none of ours" }), 404, "Not Found");
  });

  test("hydra.md §3.4: acceptOAuth2LoginRequest takes every member, and twice; without subject 400; another subject with skip begins again", async () => {
    const rp = await newRp();
    const agent = openUserAgent(site().writ);
    const loginChallenge = await toLogin(agent, rp.request(STATE));
    assertError(await site().admin.acceptOAuth2LoginRequest({ loginChallenge, acceptOAuth2LoginRequest: { subject: "" } }), 400, "invalid_request", /subject/);
    assertError(await site().admin.acceptOAuth2LoginRequest({ loginChallenge: "x", acceptOAuth2LoginRequest: { subject: "a" } }), 404, "Not Found");
    assertError(await site().admin.acceptOAuth2LoginRequest({ loginChallenge: "", acceptOAuth2LoginRequest: { subject: "a" } }), 400, "invalid_request");
    assertError(
      await site().admin.acceptOAuth2LoginRequest({ loginChallenge, acceptOAuth2LoginRequest: { subject: "a", remember: "yes" as never } }),
      400,
      "The request was malformed or contained invalid parameters",
    );
    const subject = newSubject();
    const everything: Required<AcceptOAuth2LoginRequest> = {
      subject,
      remember: true,
      remember_for: 60,
      extend_session_lifespan: false,
      acr: "high",
      amr: ["pwd", "otp"],
      force_subject_identifier: "forced",
      identity_provider_session_id: "at the provider",
      context: { from: ["login", 1] },
    };
    const [first, second] = [await accept(loginChallenge, everything), await accept(loginChallenge, everything)];
    assert.notEqual(first, second);
    const { consent_challenge: consentChallenge = "" } = parametersOf(locationOf(await agent.get(second)));
    const consent = assertJson(await site().admin.getOAuth2ConsentRequest({ consentChallenge }));
    assert.deepEqual([consent.subject, consent.acr, consent.amr, consent.context], [subject, "high", ["pwd", "otp"], { from: ["login", 1] }]);
    const again = await accept(await toLogin(agent, rp.request(STATE)), { subject: newSubject() });
    assert.deepEqual([parametersOf(again).prompt, parametersOf(again).login_verifier], ["login", undefined]);
  });

  test("hydra.md §3.4, §7.6: rejectOAuth2LoginRequest reaches the client, with and without words of its own", async () => {
    const rp = await newRp();
    for (const [reject, expected] of [
      [
        { error: "access_denied", error_description: "Not today", error_hint: "try tomorrow", error_debug: "hidden", status_code: 403 },
        ["access_denied", "Not today try tomorrow"],
      ],
      [{}, ["login request denied", undefined]],
    ] as const) {
      const agent = openUserAgent(site().writ);
      const loginChallenge = await toLogin(agent, rp.request(STATE));
      const data = assertJson(await site().admin.rejectOAuth2LoginRequest({ loginChallenge, rejectOAuth2Request: reject }));
      assert.deepEqual(Object.keys(data), ["redirect_to"]);
      const answer = parametersOf(locationOf(await agent.get(data.redirect_to)));
      assert.deepEqual([answer.error, answer.state], [expected[0], STATE.state]);
      if (expected[1] !== undefined) assert.equal(answer.error_description, expected[1]);
    }
    assertError(await site().admin.rejectOAuth2LoginRequest({ loginChallenge: "x", rejectOAuth2Request: {} }), 404, "Not Found");
    assertError(await site().admin.rejectOAuth2LoginRequest({ loginChallenge: "", rejectOAuth2Request: {} }), 400, "invalid_request");
  });

  test("hydra.md §3.5, §2.1: getOAuth2ConsentRequest shows every member; acceptOAuth2ConsentRequest takes every member, and the client gets code, scope and state", async () => {
    const rp = await newRp();
    const agent = openUserAgent(site().writ);
    const subject = newSubject();
    const loginChallenge = await toLogin(agent, rp.request({ ...STATE, login_hint: "alice" }));
    const { session_id: sid } = assertJson(await site().admin.getOAuth2LoginRequest({ loginChallenge }));
    const there = locationOf(await agent.get(await accept(loginChallenge, { subject, acr: "0" })));
    assert.match(there, /^https:\/\/apps\.example\/consent\?theme=dark&consent_challenge=[\w.-]+$/);
    const { consent_challenge: consentChallenge = "" } = parametersOf(there);
    const consent = assertJson(await site().admin.getOAuth2ConsentRequest({ consentChallenge }));
    assertShape(consent, CONSENT, "a consent request");
    assertShape(consent.client, CLIENT, "its client");
    assert.deepEqual(
      [consent.challenge, consent.subject, consent.skip, consent.requested_scope, consent.requested_access_token_audience, consent.acr, consent.amr, consent.login_session_id],
      [consentChallenge, subject, false, ["openid", "offline_access", "read"], [], "0", [], sid],
    );
    assert.deepEqual([consent.oidc_context, consent.client.client_id], [{ login_hint: "alice" }, rp.client.client_id]);
    assertError(await site().admin.getOAuth2ConsentRequest({ consentChallenge: "" }), 400, "invalid_request");
    assertError(await site().admin.getOAuth2ConsentRequest({ consentChallenge: loginChallenge }), 404, "Not Found");

    const everything: Required<AcceptOAuth2ConsentRequest> = {
      grant_scope: ["openid", "read"],
      grant_access_token_audience: ["https://api.example"],
      remember: true,
      remember_for: 3600,
      session: { access_token: { a: 1 }, id_token: { b: [2] } },
      context: { left: true },
    };
    assertError(
      await site().admin.acceptOAuth2ConsentRequest({ consentChallenge, acceptOAuth2ConsentRequest: { grant_scope: "openid" as never } }),
      400,
      "The request was malformed or contained invalid parameters",
    );
    const [first, second] = [await consentTo(consentChallenge, everything), await consentTo(consentChallenge, { ...everything, handled_at: "2026-01-02T03:04:05Z" } as never)];
    assert.ok(first.includes("consent_verifier=") && second.includes("consent_verifier="));
    const { status, headers } = await agent.get(second);
    const answer = parametersOf(headers.get("location"));
    assert.deepEqual([status, headers.get("cache-control"), headers.get("pragma")], [303, "no-store", "no-cache"]);
    assert.deepEqual([answer.scope, answer.state, answer.code?.startsWith("ory_ac_")], ["openid read", STATE.state, true]);
    assertError(await site().admin.acceptOAuth2ConsentRequest({ consentChallenge: "x", acceptOAuth2ConsentRequest: {} }), 404, "Not Found");
  });

  test("hydra.md §3.5, §7.6: rejectOAuth2ConsentRequest reaches the client", async () => {
    const rp = await newRp();
    for (const [reject, error] of [
      [{ error: "access_denied", error_description: "No" }, "access_denied"],
      [{}, "consent request denied"],
    ] as const) {
      const agent = openUserAgent(site().writ);
      const consentChallenge = await toConsent(agent, rp.request(STATE), { subject: newSubject() });
      const data = assertJson(await site().admin.rejectOAuth2ConsentRequest({ consentChallenge, rejectOAuth2Request: reject }));
      const answer = parametersOf(locationOf(await agent.get(data.redirect_to)));
      assert.deepEqual([answer.error, answer.state], [error, STATE.state]);
    }
    assertError(await site().admin.rejectOAuth2ConsentRequest({ consentChallenge: "x", rejectOAuth2Request: {} }), 404, "Not Found");
  });

  test("hydra.md §3.8: listOAuth2ConsentSessions shows every member and pages by Link; a subject is required", async () => {
    const subject = newSubject();
    const rps = [await newRp(), await newRp(), await newRp()];
    const session = { access_token: { a: 1 }, id_token: { b: [2] } };
    for (const rp of rps) await agree(subject, rp, { remember: true, remember_for: 3600, session, context: { left: true }, grant_access_token_audience: ["https://api.example"] });
    const pages = await readPages("/admin/oauth2/auth/sessions/consent", (pageToken) =>
      site().admin.listOAuth2ConsentSessions({ subject, pageSize: 2, ...(pageToken === undefined ? {} : { pageToken }) }),
    );
    assert.deepEqual(
      pages.map((page) => page.length),
      [2, 1],
    );
    for (const each of pages.flat()) {
      assertShape(each, CONSENT_SESSION, "a consent session");
      assertShape(each.consent_request, CONSENT, "its request");
      assert.deepEqual([each.consent_request.challenge, each.consent_request.subject, each.consent_request.consent_request_id], ["", subject, each.consent_request_id]);
      assert.deepEqual(
        [each.grant_scope, each.grant_access_token_audience, each.session, each.remember, each.remember_for, each.context],
        [["openid", "read"], ["https://api.example"], session, true, 3600, { left: true }],
      );
    }
    const ids = pages.flat().map(({ consent_request: { client } }) => client.client_id);
    assert.deepEqual(ids.toSorted(), rps.map(({ client }) => client.client_id).toSorted());
    const [{ consent_request: one }] = pages.flat();
    const ofSession = assertJson(await site().admin.listOAuth2ConsentSessions({ subject, loginSessionId: one.login_session_id }));
    assert.deepEqual(
      ofSession.map(({ consent_request_id: id }: { consent_request_id: string }) => id),
      [one.consent_request_id],
    );
    assert.deepEqual(assertJson(await site().admin.listOAuth2ConsentSessions({ subject: newSubject() })), []);
    assertError(await site().admin.listOAuth2ConsentSessions({ subject: "" }), 400, "invalid_request", /subject/);
    assertError(await site().admin.listOAuth2ConsentSessions({ subject, pageToken: "x" }), 400, /./, /pagination token/);
  });

  test("hydra.md §3.8: revokeOAuth2ConsentSessions by id, by client, or all; nothing that matches is 204 too; other combinations are 400", async () => {
    const subject = newSubject();
    const rps = [await newRp(), await newRp(), await newRp()] as const;
    for (const rp of rps) await agree(subject, rp);
    const left = async (): Promise<{ consent_request_id: string; consent_request: { client: { client_id: string } } }[]> =>
      assertJson(await site().admin.listOAuth2ConsentSessions({ subject }));
    const [first] = await left();
    assertDone(await site().admin.revokeOAuth2ConsentSessions({ consentRequestId: first?.consent_request_id ?? "" }));
    const [second] = await left();
    assertDone(await site().admin.revokeOAuth2ConsentSessions({ subject, client: second?.consent_request.client.client_id ?? "" }));
    assert.equal((await left()).length, 1);
    assertDone(await site().admin.revokeOAuth2ConsentSessions({ subject, all: true }));
    assert.deepEqual(await left(), []);
    for (const nothing of [{ consentRequestId: "x" }, { subject: "nobody", client: "nobody" }, { subject: "nobody", all: true }])
      assertDone(await site().admin.revokeOAuth2ConsentSessions(nothing));
    for (const unclear of [{}, { subject }, { client: "a" }, { all: true }, { subject, client: "a", all: true }, { subject, consentRequestId: "x" }])
      assertError(await site().admin.revokeOAuth2ConsentSessions(unclear), 400, "invalid_request");
  });

  test("hydra.md §3.8: revokeOAuth2LoginSessions by subject or sid; neither is 400", async () => {
    const rp = await newRp();
    for (const by of ["subject", "sid"] as const) {
      const subject = newSubject();
      const { agent } = await agree(subject, rp);
      const read = async () => assertJson(await site().admin.getOAuth2LoginRequest({ loginChallenge: await toLogin(agent, rp.request(STATE)) }));
      const { skip, session_id: sid } = await read();
      assert.equal(skip, true);
      assertDone(await site().admin.revokeOAuth2LoginSessions(by === "subject" ? { subject } : { sid }));
      assert.deepEqual([(await read()).skip, (await read()).subject], [false, ""]);
    }
    assertDone(await site().admin.revokeOAuth2LoginSessions({ sid: "unknown" }));
    assertDone(await site().admin.revokeOAuth2LoginSessions({ subject: newSubject() }));
    assertError(await site().admin.revokeOAuth2LoginSessions({}), 400, "invalid_request");
  });
}
