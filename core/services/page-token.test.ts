import assert from "node:assert/strict";
import { test } from "node:test";
import { pageSize } from "./page-token.ts";

test("hydra.md §3.1: a page has 100 items unless it says otherwise, and 500 at most", () => {
  assert.deepEqual([0, -5, 1, 100, 500, 501, 2 ** 31 - 1].map(pageSize), [100, 100, 1, 100, 500, 500, 500]);
});
