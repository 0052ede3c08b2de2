import { toBinary } from "@bufbuild/protobuf";
import { JwkRecordSchema } from "#gen/writ/store/v1/jwk_record_pb.ts";
import type { StoredJwk } from "../model/jwk.ts";
import type { Db } from "./db.ts";
import { bytes, document, instant, optionalBytes, text } from "./row.ts";
import { insert, type Row, run, type Steps } from "./steps.ts";

const COLUMNS = "set_name, kid, seal_key_id, created_at, activates_at, document";
const INSERT = `INSERT INTO jwks (issuer, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** The keys of a set, newest first. */
export async function listJwks(db: Db, issuer: number, set: string): Promise<StoredJwk[]> {
  return (await db.driver.read(`SELECT ${COLUMNS} FROM jwks WHERE issuer = ? AND set_name = ? ORDER BY created_at DESC, kid DESC`, [issuer, set])).map(toJwk);
}

/** Makes the key the first of its set for `alg`; does nothing if there was one. Of several cores that do it at once one wins. */
export async function insertFirstJwk(db: Db, issuer: number, alg: string, jwk: StoredJwk): Promise<void> {
  await db.driver.write(function* (): Steps<void> {
    if (yield* insert("INSERT INTO jwk_claims (issuer, set_name, alg, kid) VALUES (?, ?, ?, ?)", issuer, jwk.set, alg, jwk.kid)) yield* insert(INSERT, ...values(issuer, jwk));
  });
}

/** Adds a key, unless its set has one of its kid. */
export async function insertJwk(db: Db, issuer: number, jwk: StoredJwk): Promise<{ readonly kind: "inserted" | "exists" }> {
  const isNew = await db.driver.write(() => insert(INSERT, ...values(issuer, jwk)));
  return { kind: isNew ? "inserted" : "exists" };
}

/** Puts a key, or replaces the one with its kid. */
export async function putJwk(db: Db, issuer: number, jwk: StoredJwk): Promise<void> {
  await db.driver.write(() => put(db, issuer, jwk));
}

/** Replaces the whole set. */
export async function replaceJwkSet(db: Db, issuer: number, set: string, jwks: readonly StoredJwk[]): Promise<void> {
  await db.driver.write(function* (): Steps<void> {
    for (const table of ["jwks", "jwk_claims"]) yield* run(`DELETE FROM ${table} WHERE issuer = ? AND set_name = ?`, issuer, set);
    for (const jwk of jwks) yield* put(db, issuer, jwk);
  });
}

/** Deletes one key, or the set where `kid` is undefined. The next first key may be made again. */
export async function deleteJwks(db: Db, issuer: number, set: string, kid: string | undefined): Promise<void> {
  await db.driver.write(function* (): Steps<void> {
    for (const table of ["jwks", "jwk_claims"])
      yield* run(`DELETE FROM ${table} WHERE issuer = ? AND set_name = ?${kid === undefined ? "" : " AND kid = ?"}`, ...(kid === undefined ? [issuer, set] : [issuer, set, kid]));
  });
}

/** Replaces what is sealed, if it still is what was read. */
export async function resealJwk(db: Db, issuer: number, before: StoredJwk, after: StoredJwk): Promise<{ readonly kind: "resealed" | "changed" }> {
  const matched = await db.driver.write(() =>
    run("UPDATE jwks SET seal_key_id = ?, document = ? WHERE issuer = ? AND set_name = ? AND kid = ? AND document = ?", after.sealKeyId ?? null, toBinary(JwkRecordSchema, after.record), issuer, before.set, before.kid, toBinary(JwkRecordSchema, before.record)),
  );
  return { kind: matched === 1 ? "resealed" : "changed" };
}

/** Key ids of the secrets that sealed what the tables hold. */
export async function listSealKeyIds(db: Db): Promise<Uint8Array[]> {
  return (await db.driver.read("SELECT DISTINCT seal_key_id FROM jwks WHERE seal_key_id IS NOT NULL", [])).map((row) => bytes(row, 0));
}

/** All keys that hold something sealed. */
export async function listSealedJwks(db: Db, issuer: number): Promise<StoredJwk[]> {
  return (await db.driver.read(`SELECT ${COLUMNS} FROM jwks WHERE issuer = ? AND seal_key_id IS NOT NULL`, [issuer])).map(toJwk);
}

function* put({ driver: { dialect } }: Db, issuer: number, jwk: StoredJwk): Steps<void> {
  yield* run(`${INSERT} ${dialect.upsert(["issuer", "set_name", "kid"], ["seal_key_id", "document"])}`, ...values(issuer, jwk));
}

function values(issuer: number, { set, kid, sealKeyId, createdAt, activatesAt, record }: StoredJwk): (string | number | Uint8Array | null)[] {
  return [issuer, set, kid, sealKeyId ?? null, createdAt, activatesAt, toBinary(JwkRecordSchema, record)];
}

function toJwk(row: Row): StoredJwk {
  return { set: text(row, 0), kid: text(row, 1), sealKeyId: optionalBytes(row, 2), createdAt: instant(row, 3), activatesAt: instant(row, 4), record: document(JwkRecordSchema, row, 5) };
}
