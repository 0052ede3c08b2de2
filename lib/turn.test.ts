import assert from "node:assert/strict";
import { test } from "node:test";
import { endOfTurn } from "./turn.ts";

test("whoever waits in one turn of the event loop goes on in the order of their coming, before whoever waits in a later one", async () => {
  const order: string[] = [];
  const wait = (name: string): Promise<void> => endOfTurn().then(() => void order.push(name));
  const first = [wait("a"), wait("b")];
  assert.equal(order.length, 0);
  setImmediate(() => order.push("the next immediate"));
  await Promise.all([...first, first[0]?.then(() => wait("c"))]);
  assert.deepEqual(order, ["a", "b", "the next immediate", "c"]);
});
