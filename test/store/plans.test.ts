import assert from "node:assert/strict";
import { test } from "node:test";
import { fill } from "#bench/fill.ts";
import { closeDb, type Db, openDb } from "#core/store/db.ts";
import { silentLog } from "#lib/events.ts";
import { createClient, introspect, issueToken, postForm, send } from "../harness/http.ts";
import { consentApp, createRp, finishFlow, getTokens, loginApp, newSubject, openUserAgent, parametersOf, refresh } from "../harness/user-agent.ts";
import { ARRANGEMENTS, describeWrit, type Statement, type Writ } from "../harness/writ.ts";

/** Tables that the engine would go through from end to end. */
async function scansOf(db: Db, { sql, params }: Pick<Statement, "sql" | "params">): Promise<readonly string[]> {
  if (db.engine === "sqlite") {
    const plan = await db.driver.read(`EXPLAIN QUERY PLAN ${sql}`, params);
    return plan.map((row) => String(row[3])).filter((step) => /^SCAN (?!CONSTANT ROW|\(?subquery|\d+-ROW)/i.test(step));
  }
  // id, select_type, table, type, possible_keys, key, …
  const plan = await db.driver.read(`EXPLAIN ${sql}`, params);
  return plan.filter((row) => row[1] !== "INSERT" && (row[3] === "ALL" || row[3] === "index") && !String(row[2]).startsWith("<")).map((row) => `${row[2]}: ${row[3]} ${row[9]}`);
}

/** Enough that no engine prefers to read a table as a whole. */
const ROWS = { clients: 2000, grants: 2000 };

/** Every request that is frequent. */
async function useAll(writ: Writ): Promise<void> {
  const machine = await createClient(writ, { grant_types: ["client_credentials"], scope: "read" });
  const rp = await createRp(writ);
  const agent = openUserAgent(writ);
  const subject = newSubject();
  const tokens = await getTokens(writ, rp, { agent, login: { subject, remember: true }, consent: { remember: true } });
  const { login_challenge: again = "" } = parametersOf((await agent.get(rp.request())).headers.get("location"));
  const login = await loginApp.accept(writ, again, { subject });
  const { consent_challenge: consent = "" } = parametersOf((await agent.get(login.body.redirect_to)).headers.get("location"));
  await agent.get((await consentApp.accept(writ, consent, { grant_scope: ["openid"], session: { id_token: { large: "x".repeat(20_000) } } })).body.redirect_to);
  await finishFlow(writ, agent, rp.request({ prompt: "login" }), { login: { subject } });
  for (let n = 0; n < 3; n++) assert.equal((await refresh(writ, rp, tokens.refresh_token)).status, 200);
  assert.equal((await send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } })).status, 200);
  const token = await issueToken(writ, machine);
  for (const each of [token, tokens.access_token, tokens.refresh_token]) assert.equal((await introspect(writ, each)).active, true);
  for (const [client, each] of [
    [machine, token],
    [rp.client, tokens.refresh_token],
  ] as const)
    assert.equal((await postForm(`${writ.publicUrl}/oauth2/revoke`, { token: each }, { basic: [client.client_id, client.client_secret] })).status, 200);
  for (const each of [token, tokens.access_token]) assert.equal((await introspect(writ, each)).active, false);
  await send(`${writ.adminUrl}/admin/oauth2/auth/sessions/consent?subject=${subject}`);
  await send(`${writ.adminUrl}/admin/oauth2/auth/sessions/consent?subject=${subject}&all=true`, { method: "DELETE" });
  await send(`${writ.adminUrl}/admin/oauth2/auth/sessions/login?subject=${subject}`, { method: "DELETE" });
}

describeWrit(
  "what the engines do with the statements",
  {},
  (writ) => {
    test("every statement of a frequent request finds its rows by an index, in tables that are full", { timeout: 120_000 }, async () => {
      const db = await openDb({ dsn: writ().dsn, log: silentLog });
      try {
        await getTokens(writ(), await createRp(writ()), { login: { remember: true }, consent: { remember: true } });
        await fill(db, ROWS);
        writ().resetStatements();
        await useAll(writ());
        const distinct = new Map(writ().statements.map((statement) => [statement.sql, statement]));
        assert.ok(distinct.size > 20, "they were seen");
        for (const statement of distinct.values()) assert.deepEqual(await scansOf(db, statement), [], statement.sql);
        assert.notDeepEqual(await scansOf(db, { sql: "SELECT id FROM grants WHERE generation = ?", params: [7] }), [], "one that is not served by an index would be seen");
      } finally {
        await closeDb(db);
      }
    });
  },
  ARRANGEMENTS.filter((arrangement) => arrangement !== "direct"),
);
