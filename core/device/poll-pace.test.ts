import assert from "node:assert/strict";
import { test } from "node:test";
import type { EpochMillis } from "#lib/time.ts";
import { makePollPace } from "./poll-pace.ts";

test("RFC 8628 §3.5: each poll that comes too fast adds 5 seconds, up to a minute; a device that obeys is never told again", () => {
  const pace = makePollPace();
  const code = { birth: Uint8Array.of(1), userCodeHash: Uint8Array.of(2), pollInterval: 5 };
  let now = 0;
  const after = (seconds: number, pollInterval = 5) => {
    now += seconds * 1000;
    return pace.note({ ...code, pollInterval }, now as EpochMillis);
  };
  assert.deepEqual([after(0), after(5), after(4.6), after(4), after(9.5), after(8)], [undefined, undefined, undefined, 10, undefined, 15]);
  assert.equal(after(15), undefined);
  for (let i = 0; i < 20; i++) after(0);
  assert.deepEqual([after(0), after(60)], [60, undefined]);
  assert.equal(after(60, 90), 90, "an interval of the operator's own that is longer stays what it is");
  assert.equal(makePollPace().note({ ...code, pollInterval: 20 }, now as EpochMillis), undefined, "a core that was just started has seen no poll");
});
