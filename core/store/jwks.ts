import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { JwkRecordSchema } from "#gen/writ/store/v1/jwk_record_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { StoredJwk } from "../model/jwk.ts";
import type { Db } from "./db.ts";
import { and, desc, eq, isNotNull, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, type Values, value } from "./statement.ts";
import { insert, run, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { jwks, jwkClaims }, upsert, incoming }) => {
  const columns = { set: jwks.setName, kid: jwks.kid, sealKeyId: jwks.sealKeyId, createdAt: jwks.createdAt, activatesAt: jwks.activatesAt, document: jwks.document };
  const ofSet = and(eq(jwks.issuer, value("issuer")), eq(jwks.setName, value("set")));
  const one = and(ofSet, eq(jwks.kid, value("kid")));
  const claimsOfSet = and(eq(jwkClaims.issuer, value("issuer")), eq(jwkClaims.setName, value("set")));
  const row = () =>
    query.insert(jwks).values({
      issuer: value("issuer"),
      setName: value("set"),
      kid: value("kid"),
      sealKeyId: value("sealKeyId"),
      createdAt: value("createdAt"),
      activatesAt: value("activatesAt"),
      document: value("document"),
    });
  return {
    list: compileRead(query.select(columns).from(jwks).where(ofSet).orderBy(desc(jwks.createdAt), desc(jwks.kid))),
    listSealed: compileRead(
      query
        .select(columns)
        .from(jwks)
        .where(and(eq(jwks.issuer, value("issuer")), isNotNull(jwks.sealKeyId))),
    ),
    sealKeyIds: compileRead(query.selectDistinct({ sealKeyId: jwks.sealKeyId }).from(jwks).where(isNotNull(jwks.sealKeyId))),
    insert: compile(row()),
    put: compile(
      upsert(row(), [jwks.issuer, jwks.setName, jwks.kid], {
        sealKeyId: incoming(jwks.sealKeyId),
        createdAt: incoming(jwks.createdAt),
        activatesAt: incoming(jwks.activatesAt),
        document: incoming(jwks.document),
      }),
    ),
    claim: compile(query.insert(jwkClaims).values({ issuer: value("issuer"), setName: value("set"), alg: value("alg"), kid: value("kid") })),
    deleteOne: [compile(query.delete(jwks).where(one)), compile(query.delete(jwkClaims).where(and(claimsOfSet, eq(jwkClaims.kid, value("kid")))))],
    deleteSet: [compile(query.delete(jwks).where(ofSet)), compile(query.delete(jwkClaims).where(claimsOfSet))],
    reseal: compile(
      query
        .update(jwks)
        .set({ sealKeyId: sql`${value("sealKeyId")}`, document: sql`${value("document")}` })
        .where(and(one, eq(jwks.document, value("before")))),
    ),
  };
});

/** The keys of a set, newest first. */
export async function listJwks(db: Db, issuer: number, set: string): Promise<StoredJwk[]> {
  return (await read(db, built(db).list, { issuer, set })).map(toJwk);
}

/** Makes the key the first of its set for `alg`; does nothing if there was one. Of several cores that do it at once one wins. */
export async function insertFirstJwk(db: Db, issuer: number, alg: string, jwk: StoredJwk): Promise<void> {
  await db.driver.write(
    function* (): Steps<void> {
      const statement = built(db);
      if (yield* insert(statement.claim, { issuer, set: jwk.set, alg, kid: jwk.kid })) yield* insert(statement.insert, values(issuer, jwk));
    },
    undefined,
    { repeatable: true },
  );
}

/** Adds a key, unless its set has one of its kid. */
export async function insertJwk(db: Db, issuer: number, jwk: StoredJwk): Promise<{ readonly kind: "inserted" | "exists" }> {
  const isNew = await db.driver.write(() => insert(built(db).insert, values(issuer, jwk)));
  return { kind: isNew ? "inserted" : "exists" };
}

/** Puts a key, or replaces the one with its kid, times included. */
export async function putJwk(db: Db, issuer: number, jwk: StoredJwk): Promise<void> {
  await db.driver.write(() => run(built(db).put, values(issuer, jwk)), undefined, { repeatable: true });
}

/** Replaces the whole set. A first key may be made again for an algorithm that the new set lacks. */
export async function replaceJwkSet(db: Db, issuer: number, set: string, jwks: readonly StoredJwk[]): Promise<void> {
  await db.driver.write(
    function* (): Steps<void> {
      const statement = built(db);
      for (const each of statement.deleteSet) yield* run(each, { issuer, set });
      for (const jwk of jwks) yield* run(statement.put, values(issuer, jwk));
    },
    undefined,
    { repeatable: true },
  );
}

/** Deletes one key, or the set where `kid` is undefined. The next first key may be made again. */
export async function deleteJwks(db: Db, issuer: number, set: string, kid: string | undefined): Promise<void> {
  await db.driver.write(
    function* (): Steps<void> {
      const { deleteOne, deleteSet } = built(db);
      for (const each of kid === undefined ? deleteSet : deleteOne) yield* run(each, kid === undefined ? { issuer, set } : { issuer, set, kid });
    },
    undefined,
    { repeatable: true },
  );
}

/** Replaces what is sealed, if it still is what was read. */
export async function resealJwk(db: Db, issuer: number, before: StoredJwk, after: StoredJwk): Promise<{ readonly kind: "resealed" | "changed" }> {
  const matched = await db.driver.write(() =>
    run(built(db).reseal, { ...values(issuer, after), set: before.set, kid: before.kid, before: toBinary(JwkRecordSchema, before.record) }),
  );
  return { kind: matched === 1 ? "resealed" : "changed" };
}

/** Key ids of the secrets that sealed what the tables hold. */
export async function listSealKeyIds(db: Db): Promise<Uint8Array[]> {
  return (await read(db, built(db).sealKeyIds, {})).flatMap(({ sealKeyId }) => (sealKeyId === null ? [] : [sealKeyId]));
}

/** All keys that hold something sealed. */
export async function listSealedJwks(db: Db, issuer: number): Promise<StoredJwk[]> {
  return (await read(db, built(db).listSealed, { issuer })).map(toJwk);
}

function values(issuer: number, { set, kid, sealKeyId, createdAt, activatesAt, record }: StoredJwk): Values {
  return { issuer, set, kid, sealKeyId: sealKeyId ?? null, createdAt, activatesAt, document: toBinary(JwkRecordSchema, record) };
}

interface JwkRow {
  readonly set: string;
  readonly kid: string;
  readonly sealKeyId: Uint8Array | null;
  readonly createdAt: number;
  readonly activatesAt: number;
  readonly document: Uint8Array;
}

function toJwk({ set, kid, sealKeyId, createdAt, activatesAt, document }: JwkRow): StoredJwk {
  return {
    set,
    kid,
    sealKeyId: sealKeyId ?? undefined,
    createdAt: createdAt as EpochMillis,
    activatesAt: activatesAt as EpochMillis,
    record: fromBinary(JwkRecordSchema, document),
  };
}
