import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { SignJWT } from "jose";
import { describeError } from "#cli/log-error.ts";
import type { Log } from "#lib/events.ts";
import { approve, createDevice, newCodes, poll } from "./harness/device.ts";
import { type HookServer, startHook } from "./harness/hook.ts";
import { type Answer, createClient, introspect, postForm, send } from "./harness/http.ts";
import { makeTestKey } from "./harness/keys.ts";
import { callRegistration, ENABLED, registerClient } from "./harness/registration.ts";
import { consentApp, createRp, goToConsent, openUserAgent, parametersOf, redeem, refresh } from "./harness/user-agent.ts";
import { startWrit, type Writ } from "./harness/writ.ts";

const lines: string[] = [];
const write: Log["info"] = (event, fields = {}) => {
  const shown = Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? describeError(value) : value]);
  lines.push(JSON.stringify({ event, ...Object.fromEntries(shown) }));
};
const log: Log = { debug: write, info: write, warn: write, error: write };
const HOOK_KEY = "a credential of the web hook";
const secrets = new Map<string, string>();

let writ: Writ;
let hook: HookServer;
before(async () => {
  hook = await startHook();
  const auth = { type: "api_key", config: { in: "header", name: "x-key", value: HOOK_KEY } } as const;
  writ = await startWrit("direct", { log, config: { ...ENABLED, oauth2: { token_hook: { url: hook.url, auth } } } });
});
after(() => Promise.all([writ.close(), hook.close()]));

/** Nothing of it may be in the log, whatever comes of it. */
function note(values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) if (typeof value === "string" && value.length >= 6) secrets.set(name, value);
}

async function formerly(answer: Promise<Answer>, name: string): Promise<Answer["body"]> {
  const { body } = await answer;
  note({ [`${name} access`]: body.access_token, [`${name} refresh`]: body.refresh_token, [`${name} id`]: body.id_token });
  return body;
}

test("specs.md §0.9: no code, token, secret, assertion, user code or credential of a hook is logged at any level, whether things go well or not", async () => {
  const rp = await createRp(writ);
  const agent = openUserAgent(writ);
  const url = rp.request({ nonce: "a nonce of the client", state: "a state of the client" });
  const challenge = await goToConsent(writ, agent, url, { subject: "alice", remember: true });
  const { redirect_to: verifier } = (await consentApp.accept(writ, challenge, { grant_scope: ["openid", "offline_access"], session: { id_token: { note: "a claim of alice" } } }))
    .body;
  const { code = "" } = parametersOf((await agent.get(verifier)).headers.get("location"));
  note({ secret: rp.client.client_secret, challenge, verifier: parametersOf(verifier).consent_verifier, code, ...Object.fromEntries(agent.cookies), claim: "a claim of alice" });

  for (const answer of [{ status: 500 }, { status: 200, body: "a claim of alice is no JSON" }, { status: 403 }]) {
    hook.answer(answer);
    assert.notEqual((await redeem(writ, rp, code)).status, 200);
  }
  hook.answer({ status: 204 });
  const tokens = await formerly(redeem(writ, rp, code), "code");
  const rotated = await formerly(refresh(writ, rp, tokens.refresh_token), "refresh");
  await introspect(writ, rotated.access_token);
  await send(`${writ.publicUrl}/userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  await agent.get(`/oauth2/sessions/logout?id_token_hint=${tokens.id_token}`);
  await redeem(writ, rp, code); // ends the grant

  const device = await createDevice(writ);
  const codes = await newCodes(writ, device);
  note({ device: codes.device_code, user: codes.user_code, bare: codes.user_code.replace("-", "") });
  await poll(writ, device, codes.device_code);
  await poll(writ, device, codes.device_code);
  await approve(writ, openUserAgent(writ), codes.user_code);
  await formerly(poll(writ, device, codes.device_code), "device");
  await poll(writ, device, codes.device_code);

  const registered = await registerClient(writ);
  note({ made: registered.client_secret, registration: registered.registration_access_token });
  const path = `/${registered.client_id}`;
  await callRegistration(writ, "PUT", path, { token: registered.registration_access_token, body: { redirect_uris: ["http://bad.example"] } });
  await callRegistration(writ, "GET", path, { token: `${registered.registration_access_token}x` });

  const { privateKey, publicJwk } = await makeTestKey("ES256");
  const client = await createClient(writ, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [publicJwk] } });
  const claims = { iss: client.client_id, sub: client.client_id, aud: "http://127.0.0.1:4444", jti: "a jti of the client" };
  const assertion = await new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).setIssuedAt().setExpirationTime("1m").sign(privateKey);
  note({ assertion, jti: claims.jti });
  const form = { grant_type: "client_credentials", client_assertion: assertion, client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" };
  await formerly(postForm(`${writ.publicUrl}/oauth2/token`, form), "assertion");
  assert.equal((await postForm(`${writ.publicUrl}/oauth2/token`, form)).status, 401);
  await postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }, { basic: [rp.client.client_id, "a wrong secret"] });
  note({ hook: HOOK_KEY, wrong: "a wrong secret" });

  assert.ok(secrets.size >= 20 && lines.length >= 30, `${secrets.size} secrets, ${lines.length} lines`);
  for (const [name, secret] of secrets)
    assert.deepEqual(
      lines.filter((line) => line.includes(secret)),
      [],
      name,
    );
});
