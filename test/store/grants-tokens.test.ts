import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { redeemCode, rotateRefresh } from "#core/store/grant-tokens.ts";
import { endGrant, readGrant } from "#core/store/grants.ts";
import { listRevocationEvents } from "#core/store/revocations.ts";
import { TokenSessionSchema } from "#gen/writ/store/v1/grant_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import { describeEngines } from "../harness/engines.ts";
import { active, at, code, ISSUER, opening, putClient, random, refresh, rotation, stateOf, withCode } from "./flow.ts";

const events = async (db: Parameters<typeof listRevocationEvents>[0], id: Uint8Array) =>
  (await listRevocationEvents(db, ISSUER, { since: 0 as EpochMillis, limit: 10_000 })).filter(
    ({ record: { target } }) => target.case === "grant" && Buffer.compare(target.value, id) === 0,
  );

describeEngines("RFC 6749 §4.1.2 and §6: codes and refresh tokens", (engine) => {
  test("a code redeemed again by another attempt ends the grant, with one event; the same attempt has won", async () => {
    const { db } = engine();
    const grant = await withCode(db, opening(await putClient(db)));
    const once = code(grant);
    assert.equal((await redeemCode(db, ISSUER, once)).kind, "redeemed");
    assert.equal((await redeemCode(db, ISSUER, once)).kind, "redeemed");
    const replay = code(grant);
    assert.equal((await redeemCode(db, ISSUER, replay)).kind, "replayed");
    assert.equal(await stateOf(db, grant), "ended");
    assert.equal((await redeemCode(db, ISSUER, replay)).kind, "replayed", "the same attempt hears the same");
    assert.equal((await redeemCode(db, ISSUER, code(grant))).kind, "ended");
    assert.equal((await events(db, grant.id)).length, 1);
  });

  test("expired, ended and unknown codes are told apart, and end nothing", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const grant = await withCode(db, opening(client));
    assert.equal((await redeemCode(db, ISSUER, code(grant, { now: grant.expiresAt }))).kind, "expired");
    assert.equal((await redeemCode(db, ISSUER, code({ ...grant, birth: random(8) }))).kind, "unknown");
    assert.equal((await redeemCode(db, ISSUER, code({ ...grant, id: random(16) }))).kind, "unknown");
    assert.equal(await stateOf(db, grant), "code");
    assert.equal((await endGrant(db, ISSUER, { ...grant, attempt: random(16) })).kind, "ended");
    assert.equal((await redeemCode(db, ISSUER, code(grant))).kind, "ended");
    assert.equal((await endGrant(db, ISSUER, { ...grant, attempt: random(16) })).kind, "over");
    assert.equal((await endGrant(db, ISSUER, { id: grant.id, birth: random(8), attempt: random(16) })).kind, "unknown");
    assert.equal((await events(db, grant.id)).length, 1);
  });

  test("a hook's answer never overwrites what another process wrote: the update is made again on the row as it is", async () => {
    const { db } = engine();
    const grant = await active(db, opening(await putClient(db)));
    const change = (sealedSession: string) => ({ session: create(TokenSessionSchema, { sealedSession }) });
    const first = await rotateRefresh(db, ISSUER, rotation(grant, 0, change("first")));
    assert.ok(first.kind === "rotated");
    // `grant` is old by now, but its generation is made to look right: only the row's version tells.
    const second = await rotateRefresh(db, ISSUER, rotation({ ...grant, generation: 1, supersededAt: first.grant.supersededAt }, 1, change("second")));
    assert.ok(second.kind === "rotated");
    assert.deepEqual((await readGrant(db, ISSUER, grant.id))?.grant, second.grant);
  });

  test("a retry of the same rotation has rotated, with grace and without; another attempt has not", async () => {
    const { db } = engine();
    const grant = await active(db, opening(await putClient(db)));
    for (const [generation, grace] of [
      [0, 60_000],
      [1, 0],
    ] as const) {
      const attempt = random(16);
      for (let i = 0; i < 2; i++) {
        const rotated = await refresh(db, grant.id, generation, { grace, attempt });
        assert.ok(rotated.kind === "rotated");
        assert.equal(rotated.grant.generation, generation + 1);
      }
    }
    assert.equal((await refresh(db, grant.id, 1, { grace: 0 })).kind, "reused");
  });

  test("grace: a superseded generation gets a sibling of the newest until its own grace is over; then it is reuse and the grant ends (RFC 9700 §4.14)", async () => {
    const { db } = engine();
    const grant = await active(db, opening(await putClient(db)));
    for (let n = 0; n < 3; n++) assert.equal((await refresh(db, grant.id, n, { now: at(n * 10_000) })).kind, "rotated");
    const first = await refresh(db, grant.id, 0, { now: at(59_999) });
    assert.ok(first.kind === "sibling");
    assert.equal(first.grant.generation, 3, "the tab that is three generations behind goes on with the newest");
    assert.equal((await refresh(db, grant.id, 3, { now: at(60_000) })).kind, "rotated", "and so does the other");
    assert.equal((await refresh(db, grant.id, 1, { now: at(69_999) })).kind, "sibling");
    assert.equal((await refresh(db, grant.id, 9, { now: at(69_999) })).kind, "ahead");
    assert.equal(await stateOf(db, grant), "active");
    const reuse = random(16);
    assert.equal((await refresh(db, grant.id, 0, { now: at(60_001), attempt: reuse })).kind, "reused");
    assert.equal((await refresh(db, grant.id, 0, { now: at(60_001), attempt: reuse })).kind, "reused");
    assert.equal((await refresh(db, grant.id, 4)).kind, "ended");
    assert.equal((await events(db, grant.id)).length, 1);
  });

  test("at most 32 instants are kept; when they are full the newest gets siblings, and rotates again once one has left", async () => {
    const { db } = engine();
    const grant = await active(db, opening(await putClient(db)));
    for (let n = 0; n < 32; n++) assert.equal((await refresh(db, grant.id, n, { now: at(n) })).kind, "rotated");
    for (const generation of [32, 32, 0, 17]) {
      const full = await refresh(db, grant.id, generation, { now: at(59_999) });
      assert.ok(full.kind === "sibling");
      assert.deepEqual([full.grant.generation, full.grant.supersededAt.length], [32, 32]);
    }
    const next = await refresh(db, grant.id, 32, { now: at(60_000) });
    assert.ok(next.kind === "rotated");
    assert.equal(next.grant.supersededAt.length, 32);
    assert.equal((await refresh(db, grant.id, 1, { now: at(60_000) })).kind, "sibling");
  });

  test("a grace of more than five minutes counts as five; an expired grant is expired; a stranger's birth is unknown", async () => {
    const { db } = engine();
    const grant = await active(db, opening(await putClient(db)));
    await refresh(db, grant.id, 0);
    assert.equal((await refresh(db, grant.id, 0, { grace: 1e12, now: at(299_999) })).kind, "sibling");
    assert.equal((await rotateRefresh(db, ISSUER, rotation({ ...grant, birth: random(8) }, 1))).kind, "unknown");
    assert.equal((await refresh(db, grant.id, 1, { now: grant.expiresAt })).kind, "expired");
    assert.equal((await refresh(db, grant.id, 0, { grace: 1e12, now: at(300_000) })).kind, "reused");
  });
});
