import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { DeviceCode } from "#core/model/device-code.ts";
import { findRememberedConsent } from "#core/store/consents.ts";
import type { Db } from "#core/store/db.ts";
import { denyDeviceCode, insertDeviceCode, readDeviceCode, slowDeviceDown } from "#core/store/device-codes.ts";
import { recordConsent, redeemConsent } from "#core/store/grant-consent.ts";
import { DeviceCodeRecordSchema } from "#gen/writ/store/v1/device_code_pb.ts";
import { describeEngines } from "../harness/engines.ts";
import { at, consented, ISSUER, NOW, no, opened, opening, putClient, random, redemption, remembered, stateOf, tally } from "./flow.ts";

type NewCode = Parameters<typeof insertDeviceCode>[2];

const newCode = (more: Partial<NewCode> = {}): NewCode => ({
  userCodeHash: random(32),
  birth: random(8),
  pollInterval: 5,
  expiresAt: at(600_000),
  record: create(DeviceCodeRecordSchema, { clientId: "tv", scope: ["openid"] }),
  ...more,
});

async function inserted(db: Db, more: Partial<NewCode> = {}): Promise<NewCode> {
  const code = newCode(more);
  assert.deepEqual(await insertDeviceCode(db, ISSUER, code), { kind: "inserted" });
  return code;
}

const read = async (db: Db, { userCodeHash }: NewCode): Promise<DeviceCode> => (await readDeviceCode(db, ISSUER, userCodeHash)) ?? assert.fail("no row");

describeEngines("device codes", (engine) => {
  test("RFC 8628 §6.1: a user code has one row at a time, also of many that are made at once, expired or not; the same insert again finds its own", async () => {
    const { db, open } = engine();
    const other = await open();
    const userCodeHash = random(32);
    const codes = Array.from({ length: 20 }, () => newCode({ userCodeHash, expiresAt: at(-1) }));
    assert.deepEqual(tally(await Promise.all(codes.map((code, i) => insertDeviceCode(i % 2 === 0 ? db : other, ISSUER, code)))), { inserted: 1, taken: 19 });
    const found = await read(db, codes[0] ?? assert.fail());
    const own = codes.find(({ birth }) => Buffer.from(birth).equals(found.birth)) ?? assert.fail();
    assert.deepEqual(await insertDeviceCode(db, ISSUER, own), { kind: "inserted" });
    assert.deepEqual(found, { ...own, state: "pending", grantId: undefined });
    assert.equal(await readDeviceCode(db, ISSUER, random(32)), undefined);
    assert.equal(await readDeviceCode(db, ISSUER + 1, userCodeHash), undefined);
  });

  test("DESIGN device codes: of many grants and refusals at once one decides; the others' grants stay without a code, and what they wanted remembered is not", async () => {
    const { db, open } = engine();
    const other = await open();
    const client = await putClient(db);
    for (let round = 0; round < 5; round++) {
      const device = await inserted(db);
      const grants = await Promise.all(Array.from({ length: 6 }, () => consented(db, opening(client))));
      const decisions = await Promise.all([
        ...grants.map((grant, i) => redeemConsent(i % 2 === 0 ? db : other, ISSUER, redemption(grant, { device, remember: remembered(grant) }))),
        denyDeviceCode(other, ISSUER, { ...device, now: NOW }),
      ]);
      const { state, grantId } = await read(db, device);
      const winners = grants.filter((_, i) => decisions[i]?.kind === "redeemed");
      assert.equal(winners.length, state === "approved" ? 1 : 0);
      assert.deepEqual(grantId, winners[0]?.id);
      assert.equal(decisions.at(-1)?.kind, state === "approved" ? "decided" : "denied");
      for (const grant of grants) {
        const won = winners.includes(grant);
        assert.equal(await stateOf(db, grant), won ? "code" : "consented");
        assert.equal((await findRememberedConsent(db, ISSUER, grant.subject, client.clientId, NOW)) !== undefined, won);
      }
    }
  });

  test("a lost acknowledgement: the same attempt again finds that it has decided; another one, or the same grant's later, does not", async () => {
    const { db } = engine();
    const device = await inserted(db);
    const grant = await consented(db, opening(await putClient(db)));
    const attempt = random(16);
    for (let i = 0; i < 2; i++) assert.equal((await redeemConsent(db, ISSUER, redemption(grant, { device, attempt }))).kind, "redeemed");
    assert.equal((await redeemConsent(db, ISSUER, redemption(grant, { device }))).kind, "spent");
    assert.deepEqual((await read(db, device)).grantId, grant.id);
  });

  test("RFC 8628 §3.5: what has expired, or was born another time, is decided no more; a refusal that is made twice is one", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const expired = await inserted(db, { expiresAt: NOW });
    const device = await inserted(db);
    for (const wrong of [expired, { ...device, birth: random(8) }, newCode()]) {
      const grant = await consented(db, opening(client));
      assert.equal((await redeemConsent(db, ISSUER, redemption(grant, { device: wrong }))).kind, "device_decided");
      assert.equal(await stateOf(db, grant), "consented");
      assert.deepEqual(await denyDeviceCode(db, ISSUER, { ...wrong, now: NOW }), { kind: "decided" });
    }
    assert.equal((await read(db, device)).state, "pending");
    for (let i = 0; i < 2; i++) assert.deepEqual(await denyDeviceCode(db, ISSUER, { ...device, now: NOW }), { kind: "denied" });
    assert.equal((await read(db, device)).state, "denied");
  });

  test("RFC 8628 §3.5: a consent that was rejected refuses the device in the same write; one that comes too late changes nothing", async () => {
    const { db } = engine();
    const client = await putClient(db);
    const reject = async (device: NewCode) => {
      const recorded = await recordConsent(db, ISSUER, { grant: await opened(db, opening(client)), consent: no() });
      assert.ok(recorded.kind === "recorded");
      assert.equal((await redeemConsent(db, ISSUER, redemption(recorded.grant, { device }))).kind, "rejected");
    };
    const [device, approved] = [await inserted(db), await inserted(db)];
    await reject(device);
    assert.equal((await read(db, device)).state, "denied");
    assert.equal((await redeemConsent(db, ISSUER, redemption(await consented(db, opening(client)), { device: approved }))).kind, "redeemed");
    await reject(approved);
    assert.equal((await read(db, approved)).state, "approved");
  });

  test("RFC 8628 §3.5: the interval grows and never shrinks", async () => {
    const { db } = engine();
    const device = await inserted(db);
    for (const [interval, is] of [
      [10, 10],
      [7, 10],
      [60, 60],
    ] as const) {
      await slowDeviceDown(db, ISSUER, { ...device, pollInterval: interval });
      assert.equal((await read(db, device)).pollInterval, is);
    }
    await slowDeviceDown(db, ISSUER, { ...device, birth: random(8), pollInterval: 90 });
    assert.equal((await read(db, device)).pollInterval, 60);
  });
});
