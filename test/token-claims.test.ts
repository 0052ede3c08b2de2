import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import type { ConfigInput } from "#lib/config.ts";
import { introspect, send } from "./harness/http.ts";
import { createRp, getTokens, ISSUER_URL } from "./harness/user-agent.ts";
import { startWrit, type Writ } from "./harness/writ.ts";

const SESSION = { role: "admin", tenant: "t1", sub: "somebody else", iss: "https://evil.example", exp: 1, client_id: "x", cnf: { jkt: "x" }, constructor: "c" };
const NAMES = ["role", "missing", "sub", "iss", "exp", "client_id", "cnf", "ext", "__proto__", "constructor"];

async function claimsUnder(config: ConfigInput): Promise<{ readonly claims: Record<string, unknown>; readonly ext: unknown }> {
  const writ: Writ = await startWrit("direct", { config });
  try {
    const rp = await createRp(writ, { access_token_strategy: "jwt" });
    const { access_token: token } = await getTokens(writ, rp, { consent: { session: { access_token: SESSION } } });
    return { claims: decodeJwt(token), ext: (await introspect(writ, token)).ext };
  } finally {
    await writ.close();
  }
}

test("hydra.md §6.4: allowed_top_level_claims stand at the top and in ext; what the server says itself no session can say", async () => {
  const { claims, ext } = await claimsUnder({ oauth2: { allowed_top_level_claims: NAMES } });
  assert.deepEqual(
    [claims.role, claims.tenant, claims.iss, claims.cnf, Object.hasOwn(claims, "missing"), claims.constructor],
    ["admin", undefined, ISSUER_URL, undefined, false, "c"],
  );
  assert.notEqual(claims.sub, "somebody else");
  assert.ok(Number(claims.exp) > 1);
  assert.deepEqual([claims.ext, ext], [SESSION, SESSION]);
});

test("hydra.md §6.4: mirror_top_level_claims false drops the others, preserve_ext_claims keeps them in ext; introspection still tells all", async () => {
  const dropped = await claimsUnder({ oauth2: { allowed_top_level_claims: ["role"], mirror_top_level_claims: false } });
  assert.deepEqual([dropped.claims.role, dropped.claims.ext, dropped.ext], ["admin", undefined, SESSION]);
  const { role: _, ...others } = SESSION;
  const kept = await claimsUnder({ oauth2: { allowed_top_level_claims: ["role"], mirror_top_level_claims: false, preserve_ext_claims: true } });
  assert.deepEqual([kept.claims.role, kept.claims.ext, kept.ext], ["admin", others, SESSION]);
});

test("hydra.md §6.4: nbf is there as Hydra has it, and goes with exclude_not_before_claim", async () => {
  for (const [config, expected] of [
    [{}, false],
    [{ oauth2: { exclude_not_before_claim: false } }, true],
    [{ compat: "hydra" }, true],
    [{ compat: "hydra", oauth2: { exclude_not_before_claim: true } }, false],
  ] as const)
    assert.equal("nbf" in (await claimsUnder(config)).claims, expected, JSON.stringify(config));
});

test("hydra.md §10: webfinger.oidc_discovery overrules endpoints and adds claims and scopes in every form of the metadata document", async () => {
  const oidcDiscovery = {
    token_url: "https://edge.example/token",
    jwks_url: "https://edge.example/jwks",
    client_registration_url: "https://edge.example/register",
    supported_claims: ["email", "sub"],
    supported_scope: ["email"],
  };
  const writ = await startWrit("direct", { config: { webfinger: { oidc_discovery: oidcDiscovery } } });
  try {
    for (const name of ["openid-configuration", "oauth-authorization-server"]) {
      const { body } = await send(`${writ.publicUrl}/.well-known/${name}`);
      assert.deepEqual(
        [body.issuer, body.token_endpoint, body.jwks_uri, body.registration_endpoint, body.authorization_endpoint],
        [ISSUER_URL, "https://edge.example/token", "https://edge.example/jwks", "https://edge.example/register", `${ISSUER_URL}/oauth2/auth`],
      );
      assert.equal(body.claims_supported.filter((claim: string) => claim === "sub").length, 1);
      assert.ok(body.claims_supported.includes("email") && body.scopes_supported.includes("email") && body.scopes_supported.includes("openid"));
    }
  } finally {
    await writ.close();
  }
});
