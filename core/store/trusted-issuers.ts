import { createHash } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type TrustedIssuerRecord, TrustedIssuerRecordSchema } from "#gen/writ/store/v1/trusted_issuer_record_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { TrustedIssuerRow } from "../model/trusted-issuer.ts";
import type { Db } from "./db.ts";
import { and, asc, eq, gt, inArray, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, roundUp, statements, value, variants } from "./statement.ts";
import { insert, rows, run, type Steps } from "./steps.ts";

/** Keys that are tried on an assertion which names none, as Hydra. */
const MAX_FOUND = 100;

const built = statements(({ query, tables: { trustedIssuers: table } }) => {
  const columns = { id: table.id, document: table.document };
  const ofIssuer = eq(table.issuer, value("issuer"));
  const ofIss = and(ofIssuer, eq(table.issHash, value("issHash")));
  const limitOf = (limit: number) => sql.raw(String(limit)) as unknown as number; // as text: MySQL binds none there
  const page = (condition: typeof ofIss) =>
    variants((limit) =>
      compileRead(
        query
          .select(columns)
          .from(table)
          .where(and(condition, gt(table.id, value("after"))))
          .orderBy(asc(table.id))
          .limit(limitOf(limit)),
      ),
    );
  const usable = and(ofIss, inArray(table.subjectHash, [value("subjectHash"), value("anyHash")]), gt(table.expiresAt, value("now")));
  const find = (condition: typeof usable) => compileRead(query.select(columns).from(table).where(condition).limit(limitOf(MAX_FOUND)));
  return {
    insert: compile(
      query.insert(table).values({
        issuer: value("issuer"),
        issHash: value("issHash"),
        subjectHash: value("subjectHash"),
        kid: value("kid"),
        id: value("id"),
        expiresAt: value("expiresAt"),
        document: value("document"),
      }),
    ),
    same: compileRead(
      query
        .select({ id: table.id })
        .from(table)
        .where(and(ofIss, eq(table.subjectHash, value("subjectHash")), eq(table.kid, value("kid")))),
    ),
    get: compileRead(
      query
        .select(columns)
        .from(table)
        .where(and(ofIssuer, eq(table.id, value("id")))),
    ),
    list: page(ofIssuer),
    listOfIss: page(ofIss),
    find: find(usable),
    findByKid: find(and(usable, eq(table.kid, value("kid")))),
    delete: compile(query.delete(table).where(and(ofIssuer, eq(table.id, value("id"))))),
  };
});

/** Trusts an issuer, unless it is trusted already for this subject and key. */
export async function insertTrustedIssuer(db: Db, issuer: number, { id, expiresAt, record }: TrustedIssuerRow): Promise<{ readonly kind: "inserted" | "exists" }> {
  const { issuer: iss = "", subject = "", publicKey } = record.trustedIssuer ?? {};
  const key = { issuer, issHash: issHash(iss), subjectHash: subjectHash(subject), kid: publicKey?.kid ?? "" };
  const isNew = await db.driver.write(
    function* (): Steps<boolean> {
      const statement = built(db);
      if (yield* insert(statement.insert, { ...key, id, expiresAt, document: toBinary(TrustedIssuerRecordSchema, record) })) return true;
      const [row] = yield* rows(statement.same, key); // a try whose acknowledgement was lost may have won
      return row !== undefined && equalBytes(row.id, id);
    },
    undefined,
    { repeatable: true },
  );
  return { kind: isNew ? "inserted" : "exists" };
}

/** Undefined: there is none of this id. */
export async function getTrustedIssuer(db: Db, issuer: number, id: Uint8Array): Promise<TrustedIssuerRecord | undefined> {
  const [row] = await read(db, built(db).get, { issuer, id });
  return row === undefined ? undefined : toRecord(row);
}

/** By ascending id; those after `after`. */
export async function listTrustedIssuers(
  db: Db,
  issuer: number,
  { after, limit, iss }: { readonly after: Uint8Array; readonly limit: number; readonly iss?: string },
): Promise<TrustedIssuerRecord[]> {
  const { list, listOfIss } = built(db);
  const size = roundUp(limit);
  const found = iss === undefined ? await read(db, list(size), { issuer, after }) : await read(db, listOfIss(size), { issuer, after, issHash: issHash(iss) });
  return found.slice(0, limit).map(toRecord);
}

/** Those that may have signed an assertion of `iss` about `subject`; with a `kid` by the key of that name. */
export async function findTrustedIssuers(
  db: Db,
  issuer: number,
  { iss, subject, kid, now }: { readonly iss: string; readonly subject: string; readonly kid: string | undefined; readonly now: EpochMillis },
): Promise<TrustedIssuerRecord[]> {
  const { find, findByKid } = built(db);
  const values = { issuer, issHash: issHash(iss), subjectHash: subjectHash(subject), anyHash: subjectHash(""), now };
  return (kid === undefined ? await read(db, find, values) : await read(db, findByKid, { ...values, kid })).map(toRecord);
}

/** Trusts an issuer no more. */
export async function deleteTrustedIssuer(db: Db, issuer: number, id: Uint8Array): Promise<{ readonly kind: "deleted" | "missing" }> {
  return { kind: (await db.driver.write(() => run(built(db).delete, { issuer, id }))) === 0 ? "missing" : "deleted" };
}

function toRecord({ document }: { readonly document: Uint8Array }): TrustedIssuerRecord {
  return fromBinary(TrustedIssuerRecordSchema, document);
}

/** Hashes stand for strings of any length: keys are short. */
function issHash(iss: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(iss).digest());
}

/** Empty: any subject. The letter in front keeps the two apart. */
function subjectHash(subject: string): Uint8Array {
  return new Uint8Array(
    createHash("sha256")
      .update(subject === "" ? "*" : `=${subject}`)
      .digest(),
  );
}
