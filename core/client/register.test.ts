import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { JsonPatchOperationSchema } from "#gen/writ/admin/v1/client_service_pb.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { configSchema } from "#lib/config.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { makeSealer } from "#lib/seal.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { SigningKeys } from "../keys/signing-keys.ts";
import { makeOutbound } from "../outbound/outbound.ts";
import { settle } from "../settings.ts";
import { getClient, insertClient } from "../store/clients.ts";
import { closeDb, openDb } from "../store/db.ts";
import { migrateUp } from "../store/migrate.ts";
import { patchClient } from "./patch.ts";
import { changeClient, replaceClient, replaceLifespans } from "./register.ts";
import { makeSlowHash } from "./slow-hash.ts";

/** Nobody here registers for a signature. */
const noKeys: SigningKeys = {
  current: () => assert.fail(),
  find: () => assert.fail(),
  published: () => assert.fail(),
  forget: () => assert.fail(),
};

test("DESIGN §5: what a newer version wrote into a client survives every change by this one", async () => {
  const now = 1_700_000_000_000 as EpochMillis;
  const random = pooledRandom();
  const sealer = makeSealer({ secrets: ["a system secret"], issuer: 1, prefix: "writ", random });
  const db = await openDb({ dsn: "memory", log: silentLog });
  try {
    await migrateUp(db);
    const client = create(ClientSchema, { clientId: "it" });
    client.$unknown = [{ no: 900, wireType: 2, data: new Uint8Array([1, 120]) }];
    const record = create(ClientRecordSchema, { client });
    record.$unknown = [{ no: 901, wireType: 0, data: new Uint8Array([7]) }];
    await insertClient(db, 1, { record, incarnation: random(8), now });
    const deps = {
      db,
      issuer: 1,
      random,
      slowHash: makeSlowHash({ random }),
      sealer,
      keys: noKeys,
      outbound: makeOutbound({ allow: [], allowLoopback: false, allowHttp: false }), // nothing here has a URL
      settings: settle(configSchema.parse({ urls: { self: { issuer: "https://op.example" } } })),
      log: silentLog,
    };
    const remove = create(JsonPatchOperationSchema, { op: "remove", path: "/owner" });
    for (const change of [
      () => changeClient(deps, "it", (before) => patchClient(before, [remove]), now),
      () => replaceClient(deps, "it", create(ClientSchema, { clientName: "put" }), now),
      () => replaceLifespans(deps, "it", undefined, now),
    ]) {
      await change();
      const stored = (await getClient(db, 1, "it"))?.record;
      assert.deepEqual([stored?.$unknown?.map(({ no }) => no), stored?.client.$unknown?.map(({ no }) => no)], [[901], [900]]);
    }
  } finally {
    await closeDb(db);
  }
});
