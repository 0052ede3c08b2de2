import assert from "node:assert/strict";
import { test } from "node:test";
import type { EpochMillis } from "#lib/time.ts";
import { makeGuesses, networkOf } from "./guesses.ts";

const at = (time: number) => time as EpochMillis;
const guesser = (id: number, network = 1) => ({ id: Uint8Array.of(id), network: Uint8Array.of(network) });

test("RFC 8628 §5.1: five tries for a challenge, five hundred for a network, and none is counted twice or for ever", () => {
  const guesses = makeGuesses(1000);
  assert.deepEqual(
    Array.from({ length: 7 }, () => guesses.take(guesser(1), at(0))),
    [true, true, true, true, true, false, false],
  );
  guesses.giveBack(guesser(1));
  assert.deepEqual([guesses.take(guesser(1), at(0)), guesses.take(guesser(1), at(0))], [true, false]);
  let taken = 0;
  for (let id = 2; id < 250; id++) for (let i = 0; i < 5; i++) if (guesses.take(guesser(id), at(1))) taken++;
  assert.equal(taken, 495);
  assert.equal(guesses.take(guesser(250, 2), at(1)), true, "another network");
  assert.deepEqual([guesses.take(guesser(251), at(999)), guesses.take(guesser(251), at(1000))], [false, true]);
});

test("RFC 8628 §5.1: an IPv6 network is its first half, in whatever spelling; an IPv4 address is its own, also in IPv6's clothes", () => {
  const same = (...addresses: string[]) => new Set(addresses.map((each) => Buffer.from(networkOf(each)).toString("hex"))).size === 1;
  assert.ok(same("2001:db8:1:2::1", "2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:0db8:0001:0002::", "2001:db8:1:2:0:0:0:1%eth0"));
  assert.ok(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
  assert.ok(same("::1", "0:0:0:0::2"));
  assert.ok(same("2001:db8::1", "2001:db8:0:0:1::"));
  assert.ok(same("192.0.2.1", "::ffff:192.0.2.1", "::FFFF:192.0.2.1"));
  assert.ok(!same("192.0.2.1", "192.0.2.2"));
});
