import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { composeCore } from "#core/compose.ts";
import { openMaintenance } from "#core/maintenance.ts";
import { silentLog } from "#lib/events.ts";
import { startHook } from "./harness/hook.ts";
import { createClient, introspect, issueToken, send, sendJson } from "./harness/http.ts";
import { freshMysqlDsn, hasMariadb } from "./harness/mariadb.ts";
import { createRp, finishFlow, getTokens, goToLogin, loginApp, newSubject, openUserAgent, parametersOf, redeem, refresh } from "./harness/user-agent.ts";
import { startNode, testConfig, type Writ } from "./harness/writ.ts";

const [OLD, NEW] = ["the system secret before", "the system secret after"];

for (const engine of ["sqlite", ...(hasMariadb() ? ["mariadb"] : [])])
  test(`DESIGN §2, §5: the system secret is changed while the server is in use: nothing that lives is lost until the old one is taken away, and then only what it sealed [${engine}]`, async () => {
    const folder = mkdtempSync(join(tmpdir(), "writ-secret-"));
    const hook = await startHook();
    const dsn = engine === "sqlite" ? `sqlite://${join(folder, "writ.sqlite")}` : await freshMysqlDsn();
    const configOf = (system: string[]) => ({ ...testConfig(dsn, { oauth2: { token_hook: hook.url } }), secrets: { system, pagination: [] } });
    /** A server with these secrets, as long as `body` runs. */
    const during = async (system: string[], body: (writ: Writ) => Promise<void>): Promise<void> => {
      const config = configOf(system);
      const node = await startNode("direct", config);
      try {
        await body(node as unknown as Writ);
      } finally {
        await node.close();
      }
    };
    const agent = openUserAgent({} as Writ);
    const browse = (writ: Writ) => openUserAgent(writ, agent.cookies);
    /** What the client gets for prompt=none: a code where login and consent are remembered. */
    const silently = async (writ: Writ, url: string): Promise<Readonly<Record<string, string>>> => {
      const browser = browse(writ);
      const { headers } = await browser.get(`${url}&prompt=none`);
      const { login_challenge: challenge, ...answer } = parametersOf(headers.get("location"));
      if (challenge === undefined) return answer;
      const { body } = await loginApp.get(writ, challenge);
      const accepted = await loginApp.accept(writ, challenge, { subject: body.subject });
      const after = parametersOf((await browser.get(accepted.body.redirect_to)).headers.get("location"));
      if (after.consent_challenge === undefined) return after;
      const consent = await sendJson(writ, "GET", `/admin/oauth2/auth/requests/consent?consent_challenge=${after.consent_challenge}`);
      assert.equal(consent.body.skip, true, "the consent is remembered");
      const path = `/admin/oauth2/auth/requests/consent/accept?consent_challenge=${after.consent_challenge}`;
      const decided = await sendJson(writ, "PUT", path, { grant_scope: consent.body.requested_scope });
      return parametersOf((await browser.get(decided.body.redirect_to)).headers.get("location"));
    };
    const isActive = async (writ: Writ, token: string) => (await introspect(writ, token)).active;
    const userinfo = async (writ: Writ, token: string) => (await send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${token}` } })).body;

    const known: Record<string, string> = {};
    let rp: Awaited<ReturnType<typeof createRp>> | undefined;
    let machine: Awaited<ReturnType<typeof createClient>> | undefined;
    let signer: Awaited<ReturnType<typeof createClient>> | undefined;
    try {
      await during([OLD], async (writ) => {
        rp = await createRp(writ);
        machine = await createClient(writ);
        signer = await createClient(writ, { access_token_strategy: "jwt" });
        hook.answer({ status: 200, body: { session: { access_token: { from: "hook" }, id_token: { crew: "N" } } } });
        const subject = newSubject();
        const browser = openUserAgent(writ);
        const answers = { login: { subject, remember: true, remember_for: 0 }, consent: { remember: true, remember_for: 0, session: { id_token: { crew: "C" } } } };
        const tokens = await getTokens(writ, rp, { agent: browser, ...answers });
        for (const [name, value] of browser.cookies) agent.cookies.set(name, value);
        hook.answer({ status: 204 });
        const { code } = await finishFlow(writ, openUserAgent(writ), rp.request(), { login: { subject: newSubject() } });
        Object.assign(known, {
          access: tokens.access_token,
          refresh: tokens.refresh_token,
          code,
          challenge: await goToLogin(openUserAgent(writ), rp.request()),
          rowless: await issueToken(writ, machine),
          jwt: await issueToken(writ, signer),
          subject,
        });
        for (let i = 0; i < 3; i++) await createClient(writ, { owner: "pages" });
        const { headers } = await sendJson(writ, "GET", "/admin/clients?owner=pages&page_size=1");
        known.page = /page_token=([^>&]+)>; rel="next"/.exec(headers.get("link") ?? "")?.[1] ?? "";
      });
      assert.ok(rp !== undefined && machine !== undefined && signer !== undefined);
      const [client, bySecret, byKey] = [rp, machine, signer];

      // Everywhere behind the old one, then in front of it: what either sealed is good under both.
      for (const secrets of [
        [OLD, NEW],
        [NEW, OLD],
      ])
        await during(secrets, async (writ) => {
          for (const name of ["access", "rowless", "jwt"]) assert.equal(await isActive(writ, known[name] ?? ""), true, name);
          assert.deepEqual([(await introspect(writ, known.access ?? "")).ext, (await userinfo(writ, known.access ?? "")).crew], [{ from: "hook" }, "N"]);
          assert.equal((await loginApp.get(writ, known.challenge ?? "")).status, 200);
          assert.equal((await sendJson(writ, "GET", `/admin/clients?owner=pages&page_size=1&page_token=${known.page}`)).status, 200);
          assert.ok((await silently(writ, client.request())).code !== undefined, "login and consent are remembered");
          const next = await refresh(writ, client, known.refresh ?? "");
          assert.equal(next.status, 200, next.text);
          known.refresh = next.body.refresh_token;
          known[`from ${secrets[0]}`] = next.body.access_token;
        });
      await during([NEW, OLD], async (writ) => assert.equal((await redeem(writ, client, known.code ?? "")).status, 200, "a code in flight"));

      await assert.rejects(composeCore(configOf([NEW]), { log: silentLog, version: "0" }), /sealed with a secret/);
      const maintenance = await openMaintenance(configOf([NEW, OLD]), silentLog);
      const { keys, sessions } = await maintenance.reseal();
      assert.ok(keys >= 4 && sessions >= 2, "keys, and the sessions of grant, hook and remembered consent");
      assert.deepEqual(new Set(Object.values(await maintenance.reseal())), new Set([0]));
      await maintenance.close();

      await during([NEW], async (writ) => {
        assert.equal(await isActive(writ, known.jwt ?? ""), true, "the key that signed it is sealed anew");
        assert.equal(await isActive(writ, known[`from ${NEW}`] ?? ""), true);
        assert.equal((await userinfo(writ, known[`from ${NEW}`] ?? "")).crew, "N", "what the hook attached is sealed anew");
        const next = await refresh(writ, client, known.refresh ?? "");
        assert.equal(next.status, 200, next.text);
        for (const each of [bySecret, byKey]) assert.equal(await isActive(writ, await issueToken(writ, each)), true, "client secrets depend on no system secret");
        // What the old one sealed is no verdict about anything: nothing is ended, and nothing is said of it.
        for (const name of ["access", "rowless", `from ${OLD}`]) assert.equal((await introspect(writ, known[name] ?? "")).error, "temporarily_unavailable", name);
        assert.equal((await loginApp.get(writ, known.challenge ?? "")).status, 503);
        assert.equal((await silently(writ, client.request())).error, "login_required", "the cookie was sealed by it: somebody logs in again");
        const again = await getTokens(writ, client, { login: { subject: known.subject } });
        assert.equal(await isActive(writ, again.access_token), true);
        const consents = await sendJson(writ, "GET", `/admin/oauth2/auth/sessions/consent?subject=${known.subject}`);
        assert.equal(
          consents.body.some(({ session }: { session?: { id_token?: { crew?: string } } }) => session?.id_token?.crew === "C"),
          true,
          "remembered with what the app attached",
        );
      });
    } finally {
      await hook.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
