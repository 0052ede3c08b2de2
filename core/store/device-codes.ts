import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { DeviceCodeRecordSchema } from "#gen/writ/store/v1/device_code_pb.ts";
import { equalBytes } from "#lib/hash.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { DeviceCode, DeviceCodeState } from "../model/device-code.ts";
import type { Db } from "./db.ts";
import { contradiction } from "./grant-rows.ts";
import { and, eq, gt, lt, sql } from "./schema/drizzle.ts";
import { compile, compileRead, read, statements, value } from "./statement.ts";
import { insert, rows, run, type Steps } from "./steps.ts";

const built = statements(({ query, tables: { deviceCodes: codes } }) => {
  const one = and(eq(codes.issuer, value("issuer")), eq(codes.userCodeHash, value("userCodeHash")));
  const born = and(one, eq(codes.birth, value("birth")));
  const open = and(born, eq(codes.state, "pending"), gt(codes.expiresAt, value("now")));
  return {
    get: compileRead(
      query
        .select({
          userCodeHash: codes.userCodeHash,
          birth: codes.birth,
          state: codes.state,
          grantId: codes.grantId,
          pollInterval: codes.pollInterval,
          expiresAt: codes.expiresAt,
          document: codes.document,
        })
        .from(codes)
        .where(one),
    ),
    insert: compile(
      query.insert(codes).values({
        issuer: value("issuer"),
        userCodeHash: value("userCodeHash"),
        birth: value("birth"),
        state: "pending",
        pollInterval: value("pollInterval"),
        expiresAt: value("expiresAt"),
        document: value("document"),
      }),
    ),
    approve: compile(
      query
        .update(codes)
        .set({ state: "approved", grantId: sql`${value("grantId")}` })
        .where(open),
    ),
    deny: compile(query.update(codes).set({ state: "denied" }).where(open)),
    slowDown: compile(
      query
        .update(codes)
        .set({ pollInterval: sql`${value("pollInterval")}` })
        .where(and(born, lt(codes.pollInterval, value("pollInterval")))),
    ),
  };
});

/** Names a row for good. */
type Key = Pick<DeviceCode, "userCodeHash" | "birth">;

/** Keeps the request of a device; `taken`: another has the user code, also one that has expired and is there still. */
export function insertDeviceCode(
  db: Db,
  issuer: number,
  { userCodeHash, birth, pollInterval, expiresAt, record }: Omit<DeviceCode, "state" | "grantId">,
): Promise<{ readonly kind: "inserted" | "taken" }> {
  const document = toBinary(DeviceCodeRecordSchema, record);
  return db.driver.write(
    function* (): Steps<{ readonly kind: "inserted" | "taken" }> {
      if (yield* insert(built(db).insert, { issuer, userCodeHash, birth, pollInterval, expiresAt, document })) return { kind: "inserted" };
      const [row] = yield* rows(built(db).get, { issuer, userCodeHash });
      return { kind: row !== undefined && equalBytes(row.birth, birth) ? "inserted" : "taken" }; // in a try whose answer was lost
    },
    undefined,
    { repeatable: true },
  );
}

/** Finds what has a user code. Undefined: nothing. The caller compares its birth, or its expiry. */
export async function readDeviceCode(db: Db, issuer: number, userCodeHash: Uint8Array): Promise<DeviceCode | undefined> {
  const [row] = await read(db, built(db).get, { issuer, userCodeHash });
  if (row === undefined) return undefined;
  return {
    userCodeHash: row.userCodeHash,
    birth: row.birth,
    state: row.state as DeviceCodeState,
    grantId: row.grantId ?? undefined,
    pollInterval: row.pollInterval,
    expiresAt: row.expiresAt as EpochMillis,
    record: fromBinary(DeviceCodeRecordSchema, row.document),
  };
}

/** Gives the device a grant, inside the write that makes the grant one; false: it was decided otherwise, has expired, or is gone. */
export function* approveDeviceCode(
  db: Db,
  issuer: number,
  { userCodeHash, birth, grantId, now }: Key & { readonly grantId: Uint8Array; readonly now: EpochMillis },
): Steps<boolean> {
  if ((yield* run(built(db).approve, { issuer, userCodeHash, birth, grantId, now })) === 1) return true;
  yield* requireDecided(db, issuer, { userCodeHash, birth, now });
  return false;
}

/** What refusing a device comes to. `decided`: it was approved before, has expired, or is gone. */
export type DeviceDenial = { readonly kind: "denied" | "decided" };

/** Refuses the device inside a write, if nothing was decided before. */
export function* denyDeviceCodeRow(db: Db, issuer: number, key: Key & { readonly now: EpochMillis }): Steps<DeviceDenial> {
  if ((yield* run(built(db).deny, { issuer, userCodeHash: key.userCodeHash, birth: key.birth, now: key.now })) === 1) return { kind: "denied" };
  return { kind: (yield* requireDecided(db, issuer, key)) === "denied" ? "denied" : "decided" };
}

/** Refuses a device: its next poll is told so. */
export function denyDeviceCode(db: Db, issuer: number, key: Key & { readonly now: EpochMillis }): Promise<DeviceDenial> {
  return db.driver.write(() => denyDeviceCodeRow(db, issuer, key), undefined, { repeatable: true });
}

/** After an update that matched nothing: the state of a row that is no more to be decided. Undefined: there is none. */
function* requireDecided(db: Db, issuer: number, { userCodeHash, birth, now }: Key & { readonly now: EpochMillis }): Steps<string | undefined> {
  const [row] = yield* rows(built(db).get, { issuer, userCodeHash });
  if (row === undefined || !equalBytes(row.birth, birth)) return undefined;
  if (row.state === "pending" && row.expiresAt > now) throw contradiction();
  return row.state;
}

/** Makes the interval between polls longer, for all cores; never shorter. */
export function slowDeviceDown(db: Db, issuer: number, { userCodeHash, birth, pollInterval }: Key & Pick<DeviceCode, "pollInterval">): Promise<void> {
  return db.driver.write(
    function* (): Steps<void> {
      yield* run(built(db).slowDown, { issuer, userCodeHash, birth, pollInterval });
    },
    undefined,
    { repeatable: true },
  );
}
