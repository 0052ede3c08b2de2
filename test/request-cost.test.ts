import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { countCosts } from "#bench/facts.ts";
import { opened } from "#bench/process.ts";
import { makeSetup } from "#bench/setup.ts";

const PROGRAM = fileURLToPath(new URL("../cli/main.ts", import.meta.url));

/** At most, for each request by itself. A flow is seven requests. */
const MOST: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "client_credentials, opaque token": { "look for changes": 1, hash: 1, encrypt: 1 },
  "introspection of it": { "look for changes": 1, hash: 1, decrypt: 1, read: 1 },
  "introspection of it again": { "look for changes": 1, hash: 1 },
  "code flow without its exchange": { "look for changes": 6, read: 5, write: 4, "transaction edge": 6, hash: 7, HMAC: 1, encrypt: 5, decrypt: 6 },
  "code exchange with an ID token": { "look for changes": 1, read: 1, write: 1, "transaction edge": 2, hash: 2, decrypt: 1, encrypt: 2, signature: 1 },
  "introspection of a grant's token": { "look for changes": 1, read: 1, hash: 2, decrypt: 1 },
  "refresh with an ID token": { "look for changes": 1, read: 1, write: 1, "transaction edge": 2, hash: 2, decrypt: 1, encrypt: 2, signature: 1 },
};

test("docs/performance.md: what a request takes of statements and crypto operations", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "writ-costs-"));
  try {
    const costs = await countCosts(makeSetup(folder, PROGRAM));
    assert.deepEqual(Object.keys(costs), Object.keys(MOST));
    for (const [request, cost] of Object.entries(costs))
      for (const [kind, count] of Object.entries(cost)) assert.ok(count <= (MOST[request]?.[kind] ?? 0), `${request}: ${count} times ${kind}`);
    assert.deepEqual([costs["refresh with an ID token"]?.signature, costs["refresh with an ID token"]?.write], [1, 1], "they are counted");
  } finally {
    for (const child of opened) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
