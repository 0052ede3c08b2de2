import { createHash } from "node:crypto";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Db } from "./db.ts";
import { and, eq } from "./schema/drizzle.ts";
import { compile, compileRead, statements, value } from "./statement.ts";
import { insert, rows, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { assertionJtis: jtis } }) => ({
  insert: compile(query.insert(jtis).values({ issuer: value("issuer"), jtiHash: value("jtiHash"), attempt: value("attempt"), expiresAt: value("expiresAt") })),
  get: compileRead(
    query
      .select({ attempt: jtis.attempt })
      .from(jtis)
      .where(and(eq(jtis.issuer, value("issuer")), eq(jtis.jtiHash, value("jtiHash")))),
  ),
}));

/** An assertion that may be used once. */
export interface AssertionUse {
  /** What it was for: uses of different kinds do not touch each other. */
  readonly kind: string;
  /** `iss` of the assertion. */
  readonly assertionIssuer: string;
  readonly jti: string;
  readonly expiresAt: EpochMillis;
  /** Random, 16 bytes, the same in every retry of one attempt. */
  readonly attempt: Uint8Array;
}

/**
 * Spends the `jti` of an assertion (RFC 7523 §3). Of any number of racers one gets `used`; so does its own retry, which is
 * why it is tried again where the database did not say whether it was done.
 */
export function useAssertionJti(db: Db, issuer: number, { kind, assertionIssuer, jti, expiresAt, attempt }: AssertionUse): Promise<{ readonly kind: "used" | "replayed" }> {
  const jtiHash = hashOf([kind, assertionIssuer, jti]);
  return db.driver.write(
    function* (): Steps<{ readonly kind: "used" | "replayed" }> {
      const statement = built(db);
      if (yield* insert(statement.insert, { issuer, jtiHash, attempt, expiresAt })) return { kind: "used" };
      const [row] = yield* rows(statement.get, { issuer, jtiHash });
      return { kind: row !== undefined && equalBytes(row.attempt, attempt) ? "used" : "replayed" };
    },
    undefined,
    { repeatable: true },
  );
}

/** A hash in place of the strings: they may be of any length, and the key is short. Lengths keep the parts apart. */
function hashOf(parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return new Uint8Array(hash.digest());
}
