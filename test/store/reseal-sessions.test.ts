import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { resealSessions } from "#core/handshake/reseal.ts";
import { openPayload, sealPayload } from "#core/handshake/session-payload.ts";
import { findRememberedConsent } from "#core/store/consents.ts";
import { recordConsent, redeemConsent } from "#core/store/grant-consent.ts";
import { readGrant } from "#core/store/grants.ts";
import { changeGrantDocuments } from "#core/store/sealed-documents.ts";
import { ConsentDecisionSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { makeSealer } from "#lib/seal.ts";
import { describeEngines } from "../harness/engines.ts";
import { ISSUER, NOW, opened, opening, putClient, random, redemption, remembered } from "./flow.ts";

const [OLD, NEW] = ["the old system secret", "the new system secret"];
const sealerOf = (...secrets: string[]) => makeSealer({ secrets, issuer: ISSUER, prefix: "writ", random });

describeEngines("DESIGN storage: what consent apps attached, when the system secret changes", (engine) => {
  test("reseal moves it to the first secret, in grants and remembered consents, more than a page of them; the old one may go then", async () => {
    const db = await engine().open();
    const sealedByOld = sealPayload(sealerOf(OLD), { accessToken: '{"a":1}', idToken: "" });
    const client = await putClient(db);
    const grants = [];
    for (let i = 0; i < 120; i++) {
      const grant = await opened(db, opening(client));
      const consent = create(ConsentDecisionSchema, {
        id: random(16),
        contentDigest: random(32),
        handledAt: NOW,
        outcome: { case: "accepted", value: { scope: ["openid"], remember: true, sealedSession: i === 0 ? "" : sealedByOld } },
      });
      const recorded = await recordConsent(db, ISSUER, { grant, consent });
      assert.ok(recorded.kind === "recorded");
      const redeemed = await redeemConsent(db, ISSUER, redemption(recorded.grant, { remember: remembered(recorded.grant) }));
      assert.ok(redeemed.kind === "redeemed");
      grants.push(redeemed.grant);
    }
    const deps = { db, issuer: ISSUER, sealer: sealerOf(NEW, OLD) };
    await assert.rejects(resealSessions({ ...deps, sealer: sealerOf(NEW) }), /secrets\.system does not have/);
    assert.equal(await resealSessions(deps), 2 * 119);
    assert.equal(await resealSessions(deps), 0);
    for (const { id, subject, clientId } of grants.slice(1)) {
      const consents = [(await readGrant(db, ISSUER, id))?.grant.record.consent, (await findRememberedConsent(db, ISSUER, subject, clientId, NOW))?.record.consent];
      for (const consent of consents) {
        assert.ok(consent?.outcome.case === "accepted");
        assert.deepEqual(openPayload(sealerOf(NEW), consent.outcome.value.sealedSession).accessToken, { a: 1 });
      }
    }
  });

  test("a row that somebody else changes in between is not written over, and is said to have been missed", async () => {
    const { open } = engine();
    const [db, other] = [await open(), await open()];
    const grant = await opened(db, opening(await putClient(db)));
    const consent = create(ConsentDecisionSchema, { id: random(16), contentDigest: random(32), outcome: { case: "accepted", value: { scope: ["openid"] } } });
    let raced: Promise<unknown> | undefined;
    const write: typeof db.driver.write = async (...args) => {
      raced ??= recordConsent(other, ISSUER, { grant, consent });
      await raced;
      return db.driver.write(...args);
    };
    const change = await changeGrantDocuments({ ...db, driver: { ...db.driver, write } }, ISSUER, (record) => (record.consent === undefined ? record : undefined));
    assert.deepEqual(change, { changed: 0, missed: 1 });
    assert.equal((await readGrant(db, ISSUER, grant.id))?.grant.state, "consented");
    assert.ok((await readGrant(db, ISSUER, grant.id))?.grant.record.consent !== undefined);
  });
});
