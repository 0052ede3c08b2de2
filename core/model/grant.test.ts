import assert from "node:assert/strict";
import { test } from "node:test";
import type { EpochMillis } from "#lib/time.ts";
import { holdOf, isAlive, MAX_SUPERSEDED, refreshPlace, supersede } from "./grant.ts";

const instants = (...times: readonly number[]) => times as unknown as readonly EpochMillis[];
const now = (time: number) => time as EpochMillis;

test("RFC 9700 §4.14: a generation is newest, in grace, reused or ahead by its own supersession", () => {
  const grant = { generation: 5, supersededAt: instants(100, 150, 190) };
  const place = (generation: number, time: number) => refreshPlace(grant, generation, now(time), 60);
  assert.deepEqual(
    [6, 5, 4, 3, 2, 1].map((generation) => place(generation, 155)),
    ["ahead", "newest", "grace", "grace", "grace", "reused"],
  );
  assert.deepEqual([place(2, 159), place(2, 160), place(3, 160), place(3, 210)], ["grace", "reused", "grace", "reused"]);
  assert.equal(place(4, 180), "grace", "a clock that runs behind that of the core which superseded it");
  assert.equal(refreshPlace(grant, 4, now(190), 0), "reused", "no grace at all");
});

test("DESIGN Refresh: the instants kept are those in grace, one for each of the last generations; when they are full the newest does not rotate", () => {
  assert.deepEqual(supersede(instants(100, 150), now(155), 60), [100, 150, 155]);
  assert.deepEqual(supersede(instants(100, 150), now(160), 60), [150, 160]);
  assert.deepEqual(supersede(instants(100), now(500), 60), [500]);
  assert.deepEqual(supersede(instants(100), now(110), 0), []);
  assert.deepEqual(supersede(instants(10, 200, 190), now(205), 60), [200, 190, 205], "two clocks that differ leave no gap");
  const full = { generation: 40, supersededAt: instants(...Array.from({ length: MAX_SUPERSEDED }, (_, i) => 1000 + i)) };
  assert.deepEqual([refreshPlace(full, 40, now(1059), 60), refreshPlace(full, 40, now(1060), 60)], ["full", "newest"]);
});

test("DESIGN epochs: what was captured holds only while it is equal, and a client that is another one is none", () => {
  const captured = { clientIncarnation: Uint8Array.of(1), grantEpoch: 1, consentEpoch: 2, sessionEpoch: 3 };
  const current = { client: { incarnation: Uint8Array.of(1), tokenEpoch: 9 }, grantEpoch: 1, consentEpoch: 2, sessionEpoch: 3 };
  assert.equal(holdOf(captured, current), "holds");
  assert.equal(holdOf(captured, { ...current, sessionEpoch: 4 }), "session_ended");
  for (const moved of [{ client: undefined }, { client: { incarnation: Uint8Array.of(2), tokenEpoch: 9 } }, { grantEpoch: 0 }, { consentEpoch: 3, sessionEpoch: 4 }])
    assert.equal(holdOf(captured, { ...current, ...moved }), "revoked");
});

test("DESIGN the grant: access tokens are alive in code and active, until the row's expiry", () => {
  for (const [state, alive] of [
    ["login", false],
    ["consented", false],
    ["code", true],
    ["active", true],
    ["ended", false],
  ] as const)
    assert.deepEqual([isAlive({ state, expiresAt: now(10) }, now(9)), isAlive({ state, expiresAt: now(10) }, now(10))], [alive, false]);
});
