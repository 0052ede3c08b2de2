// Preloaded (`node --import`) into a server, it counts what a request costs whatever the machine: statements and crypto operations.
// On SIGUSR2 it writes them to the file that WRIT_BENCH_COUNTS names, and begins anew.
import crypto from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { StatementSync } from "node:sqlite";

const counts: Record<string, number> = {};
const count = (name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

/** What is counted under which name; `update`, `digest` and the like belong to the call that made their object. */
const OPERATIONS = {
  createCipheriv: "encrypt",
  createDecipheriv: "decrypt",
  createHmac: "HMAC",
  createHash: "hash",
  hash: "hash",
  sign: "signature",
  verify: "verification",
  hkdfSync: "key derivation",
  pbkdf2: "slow hash",
  createPrivateKey: "key import",
  createPublicKey: "key import",
} as const;
const functions = crypto as unknown as Record<string, (...args: unknown[]) => unknown>;
for (const [name, as] of Object.entries(OPERATIONS)) {
  const original = functions[name];
  if (original === undefined) throw new Error(`node:crypto has no ${name}`);
  functions[name] = (...args) => {
    count(as);
    return original(...args);
  };
}
syncBuiltinESMExports();

const statements = StatementSync.prototype as unknown as Record<string, (this: { readonly sourceSQL: string }, ...args: unknown[]) => unknown>;
for (const name of ["all", "get", "run", "iterate"]) {
  const original = statements[name];
  if (original === undefined) continue;
  statements[name] = function (...args) {
    const sql = this.sourceSQL;
    count(
      /^\s*pragma/i.test(sql)
        ? "look for changes"
        : /^\s*(begin|commit|savepoint|release|rollback)/i.test(sql)
          ? "transaction edge"
          : /^\s*(select|with)/i.test(sql)
            ? "read"
            : "write",
    );
    return original.apply(this, args);
  };
}

const file = process.env.WRIT_BENCH_COUNTS;
if (file !== undefined)
  process.on("SIGUSR2", () => {
    writeFileSync(`${file}.new`, JSON.stringify(counts));
    renameSync(`${file}.new`, file);
    for (const name of Object.keys(counts)) delete counts[name];
  });
