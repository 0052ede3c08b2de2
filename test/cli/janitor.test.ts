import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openMaintenance } from "#core/maintenance.ts";
import { silentLog } from "#lib/events.ts";
import { writ } from "../harness/process.ts";
import { testConfig } from "../harness/writ.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-janitor-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("hydra.md §11.5: janitor: a routine looks at its own tables, --keep-if-younger keeps what expired a moment ago, limits are checked", async () => {
  const dsn = `sqlite://${join(folder, "writ.sqlite")}`;
  const maintenance = await openMaintenance(testConfig(dsn), silentLog);
  await maintenance.migrateUp();
  const { driver } = maintenance.db;
  const [long, now] = [Date.now() - 48 * 3_600_000, Date.now() - 1000];
  const count = async (table: string): Promise<number> => Number((await driver.read(`SELECT COUNT(*) FROM ${table}`, []))[0]?.[0]);
  await driver.write(function* () {
    for (const [n, at] of [long, long, now].entries()) {
      const id = new Uint8Array(16).fill(n + 1);
      yield { kind: "run", sql: "INSERT INTO decisions (issuer, id, expires_at, document) VALUES (1, ?, ?, ?)", params: [id, at, new Uint8Array(1)] };
      yield { kind: "run", sql: "INSERT INTO revoked_tokens (issuer, token_id, expires_at) VALUES (1, ?, ?)", params: [id, at] };
    }
  });
  const run = (...args: string[]) => writ(["janitor", "-e", ...args], { env: { DSN: dsn } });
  const older = await run("--tokens", "--keep-if-younger", "24h", "--batch-size", "1");
  assert.equal(older.code, 0, older.stderr);
  assert.match(older.stdout, /on revoked_tokens: 2 rows/);
  assert.doesNotMatch(older.stdout, /decisions/);
  assert.deepEqual([await count("revoked_tokens"), await count("decisions")], [1, 3]);
  await run("--requests", "--limit", "1", "--batch-size", "1");
  assert.deepEqual([await count("revoked_tokens"), await count("decisions")], [1, 2]);
  await run("--tokens", "--requests", "--grants", "--access-lifespan", "1h", "--refresh-lifespan", "720h", "--consent-request-lifespan", "1h");
  assert.deepEqual([await count("revoked_tokens"), await count("decisions")], [0, 0]);
  for (const [args, expected] of [
    [["--limit", "5", "--batch-size", "6"], /--batch-size must not be above --limit/],
    [["--batch-size", "0"], /--batch-size must be a whole number above 0/],
    [["--keep-if-younger", "a while"], /--keep-if-younger is 'a while'/],
  ] as const)
    assert.match((await run(...args)).stderr, expected);
  await maintenance.close();
});
