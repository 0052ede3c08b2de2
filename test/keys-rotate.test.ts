import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeProtectedHeader } from "jose";
import { ISSUER } from "#core/issuer.ts";
import { longestSignedLife, type Rotation, rotateKeys } from "#core/keys/rotate.ts";
import { openMaintenance } from "#core/maintenance.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { makeSealer } from "#lib/seal.ts";
import { DAY, HOUR, MINUTE, makeTestClock } from "./harness/clock.ts";
import { createClient, introspect, issueToken, send } from "./harness/http.ts";
import { writ as run } from "./harness/process.ts";
import { ARRANGEMENTS, describeWrit, testConfig, type Writ } from "./harness/writ.ts";

const time = makeTestClock();
const SET = "hydra.jwt.access-token";
const USUAL: Rotation = { sets: [SET], algs: [], olderThan: 0, publishBeforeUse: 10 * MINUTE, keep: 2 * HOUR, deletes: true, isTrial: false };

/** As the command does it: in a process of its own, over the same database. */
async function rotate(writ: Writ, more: Partial<Rotation> = {}) {
  const maintenance = await openMaintenance(testConfig(writ.dsn), silentLog);
  const sealer = makeSealer({ secrets: ["a system secret for tests"], issuer: ISSUER, prefix: "writ", random: pooledRandom() });
  try {
    return await rotateKeys({ db: maintenance.db, issuer: ISSUER, sealer }, { ...USUAL, ...more }, time.clock());
  } finally {
    await maintenance.close();
  }
}

const statesOf = (keys: Awaited<ReturnType<typeof rotate>>, alg = "ES256") => keys.filter((key) => key.alg === alg).map(({ state }) => state);

async function isPublished(writ: Writ, kid: string, wanted: boolean): Promise<boolean> {
  for (let tries = 0; tries < 80; tries++) {
    const { body } = await send(`${writ.publicUrl}/.well-known/jwks.json`);
    if (body.keys.some((key: { kid: string }) => key.kid === kid) === wanted) return true;
    await new Promise((resolve) => setTimeout(resolve, 100)); // a core looks again after five seconds
  }
  return false;
}

describeWrit(
  "writ keys rotate",
  { clock: time.clock, config: { strategies: { access_token: "jwt" } } },
  (writ) => {
    test("DESIGN keys: the next key is published before it signs, the old one until its tokens have expired; a running server takes both up by itself", async () => {
      const client = await createClient(writ());
      const before = await issueToken(writ(), client);
      const old = decodeProtectedHeader(before).kid ?? "";
      time.advance(MINUTE);
      const made = (await rotate(writ())).find(({ alg, state }) => alg === "ES256" && state === "made");
      assert.ok(made !== undefined);
      assert.ok(await isPublished(writ(), made.kid, true));
      assert.equal(decodeProtectedHeader(await issueToken(writ(), client)).kid, old, "not before verifiers can know it");
      time.advance(11 * MINUTE);
      const after = await issueToken(writ(), client);
      assert.equal(decodeProtectedHeader(after).kid, made.kid);
      for (const token of [before, after]) assert.equal((await introspect(writ(), token)).active, true);
      assert.deepEqual(statesOf(await rotate(writ(), { olderThan: DAY })), ["signs", "verifies"], "its last signature was a moment ago");
      assert.ok(await isPublished(writ(), old, true));
      time.advance(2 * HOUR);
      const swept = await rotate(writ(), { olderThan: DAY });
      assert.deepEqual(statesOf(swept), ["signs", "deleted"]);
      assert.ok(await isPublished(writ(), old, false));
      assert.equal(decodeProtectedHeader(await issueToken(writ(), client)).kid, made.kid);
    });

    test("a job may run it as often as it likes: there is one next key, and none before --if-older-than; a trial changes nothing", async () => {
      time.advance(DAY);
      await rotate(writ(), { deletes: false });
      const once = statesOf(await rotate(writ(), { deletes: false }));
      assert.deepEqual(once.slice(0, 2), ["next", "signs"]);
      time.advance(HOUR);
      assert.equal(statesOf(await rotate(writ(), { deletes: false, olderThan: 2 * HOUR })).includes("made"), false);
      const trial = await rotate(writ(), { deletes: false, isTrial: true });
      assert.deepEqual([statesOf(trial)[0], trial.find(({ state }) => state === "made")?.kid], ["made", ""]);
      assert.equal(statesOf(await rotate(writ(), { deletes: false, olderThan: 2 * HOUR })).includes("made"), false);
    });

    test("two at once leave a set that signs and verifies; an algorithm without a key gets its first, which signs at once", async () => {
      const client = await createClient(writ());
      time.advance(DAY);
      await Promise.all([rotate(writ()), rotate(writ())]);
      time.advance(HOUR);
      assert.equal((await introspect(writ(), await issueToken(writ(), client))).active, true);
      const [first] = await rotate(writ(), { algs: ["EdDSA"] });
      assert.ok(first?.state === "made" && first.from <= time.clock());
    });

    test("a key stays for the longest life that any client's access or ID tokens can have", async () => {
      for (let i = 0; i < 3; i++) await createClient(writ());
      await createClient(writ(), { client_credentials_grant_access_token_lifespan: "48h", refresh_token_grant_refresh_token_lifespan: "9000h" });
      const maintenance = await openMaintenance(testConfig(writ().dsn), silentLog);
      assert.equal(await longestSignedLife({ db: maintenance.db, issuer: ISSUER }, [HOUR, 2 * HOUR], 2), 48 * HOUR);
      await maintenance.close();
    });
  },
  ARRANGEMENTS.filter((each) => each !== "direct"), // another process cannot reach a database in memory
);

test("writ keys rotate: shows what it did or would do, and names what is wrong", async () => {
  const folder = mkdtempSync(join(tmpdir(), "writ-rotate-"));
  try {
    const env = { DSN: `sqlite://${join(folder, "writ.sqlite")}`, SECRETS_SYSTEM: "a secret of the rotation test" };
    const rotateBy = (...args: string[]) => run(["keys", "rotate", "-e", ...args], { env });
    assert.match((await rotateBy()).stderr, /migrate sql up/);
    await run(["migrate", "sql", "up", "-e", "-y"], { env });
    const first = JSON.parse((await rotateBy("--alg", "ES256", "--format", "json")).stdout);
    assert.deepEqual(
      first.map(({ set, alg, state }: { set: string; alg: string; state: string }) => [set, alg, state]),
      [
        ["hydra.openid.id-token", "ES256", "made"],
        [SET, "ES256", "made"],
      ],
    );
    const trial = await rotateBy("--dry-run", "--set", SET);
    assert.equal(trial.code, 0, trial.stderr);
    assert.match(trial.stdout, /^SET ID +KEY ID +ALGORITHM +STATE +SIGNS FROM +PUBLISHED UNTIL\nhydra\.jwt\.access-token +<empty> +ES256 +made /);
    assert.match((await rotateBy("--if-older-than", "1h")).stdout, /ES256 +signs(?!.*made)/s);
    for (const [args, expected] of [
      [["--alg", "HS256"], /'HS256' is no algorithm.*ES256/],
      [["--set", "mine"], /does not sign with the set 'mine'/],
      [["--keep", "soon"], /--keep is 'soon'/],
      [["--if-older-than", "1 day"], /--if-older-than is '1 day'/],
    ] as const) {
      const { code, stderr } = await rotateBy(...args);
      assert.equal(code, 1);
      assert.match(stderr, expected);
    }
    assert.match((await run(["keys", "rotate", "-e"], { env: { DSN: env.DSN } })).stderr, /secrets\.system is not set/);
    assert.match((await run(["keys", "rotate", "-e"], { env: { ...env, SECRETS_SYSTEM: "quite another secret" } })).stderr, /secrets\.system does not have/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
