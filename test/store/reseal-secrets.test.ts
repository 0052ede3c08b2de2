import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { resealClientSecrets } from "#core/client/reseal.ts";
import { keepMadeSecret, keepSealedSecret, openSecret } from "#core/client/secret.ts";
import { getClient, insertClient } from "#core/store/clients.ts";
import { ClientRecordSchema } from "#gen/writ/store/v1/client_record_pb.ts";
import { makeSealer } from "#lib/seal.ts";
import { describeEngines } from "../harness/engines.ts";
import { ISSUER, NOW, random } from "./flow.ts";

const [OLD, NEW] = ["the old system secret", "the new system secret"];
const sealerOf = (...secrets: string[]) => makeSealer({ secrets, issuer: ISSUER, prefix: "writ", random });

describeEngines("DESIGN storage: secrets that clients sign with, when the system secret changes", (engine) => {
  test("reseal moves them to the first secret, more than a page of them, and leaves hashes alone; the old one may go then", async () => {
    const db = await engine().open();
    const sealer = sealerOf(OLD);
    for (let i = 0; i < 205; i++) {
      const clientId = `client-${String(i).padStart(3, "0")}`;
      const secret = i === 0 ? keepMadeSecret("hashed") : keepSealedSecret({ sealer }, `secret of ${clientId}`);
      await insertClient(db, ISSUER, { record: create(ClientRecordSchema, { client: { clientId }, secret }), incarnation: random(8), now: NOW });
    }
    const deps = { db, issuer: ISSUER, sealer: sealerOf(NEW, OLD) };
    await assert.rejects(resealClientSecrets({ ...deps, sealer: sealerOf(NEW) }, NOW), /does not have/);
    assert.equal(await resealClientSecrets(deps, NOW), 204);
    assert.equal(await resealClientSecrets(deps, NOW), 0);
    const kept = async (clientId: string) => (await getClient(db, ISSUER, clientId))?.record.secret ?? assert.fail(clientId);
    assert.equal((await kept("client-000")).case, "secretSha256");
    for (const clientId of ["client-001", "client-204"])
      assert.equal(Buffer.from(openSecret({ sealer: sealerOf(NEW) }, await kept(clientId)) ?? []).toString(), `secret of ${clientId}`);
  });
});
