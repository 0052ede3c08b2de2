import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigInput, configSchema } from "#lib/config.ts";
import { settle } from "./settings.ts";

const settled = ({ urls, ...input }: ConfigInput) => settle(configSchema.parse({ urls: { self: { issuer: "https://auth.example" }, ...urls }, ...input }));
const http: ConfigInput["urls"] = { self: { issuer: "http://localhost:4444" } };

test("RFC 6265bis §4.1.3: cookies are __Host- where they may be, __Secure- with a domain or a path, _dev on http; names can be chosen", () => {
  const names = (input: ConfigInput) => {
    const { browser, session, secure } = settled(input).cookies;
    return [browser, session, secure];
  };
  assert.deepEqual(names({}), ["__Host-writ_browser", "__Host-writ_session", true]);
  assert.deepEqual(names({ serve: { cookies: { domain: "example" } } }), ["__Secure-writ_browser", "__Secure-writ_session", true]);
  assert.deepEqual(names({ serve: { cookies: { paths: { session: "/oauth2" } } } }), ["__Host-writ_browser", "__Secure-writ_session", true]);
  assert.deepEqual(names({ urls: http }), ["writ_browser_dev", "writ_session_dev", false]);
  assert.deepEqual(names({ urls: http, serve: { cookies: { secure: true } } }), ["__Host-writ_browser", "__Host-writ_session", true]);
  assert.deepEqual(names({ serve: { cookies: { names: { login_csrf: "a", session: "b" } } } }), ["__Host-a", "__Host-b", true]);
  assert.deepEqual(names({ compat: "hydra" }), ["ory_hydra_login_csrf", "ory_hydra_session", true]);
});

test("hydra.md §7.9: SameSite=None needs Secure, else it is Lax", () => {
  const sameSite = (urls: ConfigInput["urls"]) => settled({ ...(urls === undefined ? {} : { urls }), serve: { cookies: { same_site_mode: "None" } } }).cookies.sameSite;
  assert.deepEqual([sameSite(undefined), sameSite(http)], ["none", "lax"]);
  assert.equal(settled({}).cookies.sameSite, "lax");
});

test("hydra.md §6.6, §8.5: lifetimes and the grace period by compat, unless they are configured; -1 is for good", () => {
  const times = (input: ConfigInput) => {
    const { ttl, refresh } = settled(input);
    return [ttl.authCode, refresh.grace, refresh.revokesPrevious];
  };
  assert.deepEqual(times({}), [60_000, 60_000, false]);
  assert.deepEqual(times({ compat: "hydra" }), [600_000, 0, true]);
  const chosen: ConfigInput = {
    ttl: { auth_code: "2m" },
    oauth2: { grant: { refresh_token: { rotation_grace_period: "10s" } } },
    refresh: { revoke_previous_access_tokens: true },
  };
  for (const compat of ["none", "hydra"] as const) assert.deepEqual(times({ ...chosen, compat }), [120_000, 10_000, true]);
  assert.equal(settled({}).ttl.refreshToken, 720 * 3_600_000);
  for (const never of [-1, "-1"] as const) assert.ok(settled({ ttl: { refresh_token: never } }).ttl.refreshToken > 49 * 365 * 24 * 3_600_000);
  assert.throws(() => settled({ oauth2: { grant: { refresh_token: { rotation_grace_period: "6m" } } } }), /longer than 5 minutes/);
});

test("RFC 8628 §6.1: user codes by compat, by preset, or by length and characters of the operator's own; what people cannot type is refused", () => {
  const codes = (userCode: NonNullable<NonNullable<NonNullable<ConfigInput["oauth2"]>["device_authorization"]>["user_code"]>, compat: "none" | "hydra" = "none") => {
    const { length, characters, isGrouped } = settled({ compat, oauth2: { device_authorization: { user_code: userCode } } }).device.userCode;
    return [length, characters.length, isGrouped];
  };
  assert.deepEqual(codes({}), [8, 20, true]);
  assert.deepEqual(codes({}, "hydra"), [8, 32, false]);
  assert.deepEqual(codes({ entropy_preset: "low" }), [9, 10, true]);
  assert.deepEqual(codes({ length: 12 }), [12, 20, true]);
  assert.deepEqual(codes({ length: 6, character_set: "0123456789" }, "hydra"), [6, 10, false]);
  for (const wrong of [
    { length: 5 },
    { length: 33 },
    { character_set: "abcdefg" },
    { character_set: "abcdefgA" },
    { character_set: "abcdefg-" },
    { entropy_preset: "low" as const, length: 9 },
  ])
    assert.throws(() => codes(wrong), JSON.stringify(wrong));
  assert.throws(() => settled({ ttl: { device_user_code: "25h" } }), /between a second and a day/);
});
