import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import type { Db } from "#core/store/db.ts";
import { deleteExpired } from "#core/store/janitor.ts";
import { addLogoutNotice, claimLogoutNotices, postponeLogoutNotice, removeLogoutNotice } from "#core/store/logout-outbox.ts";
import { LogoutNoticeSchema } from "#gen/writ/store/v1/logout_pb.ts";
import { describeEngines } from "../harness/engines.ts";
import { at, ISSUER, NOW, random } from "./flow.ts";

const put = (db: Db, count: number, dueAt = NOW): Promise<Uint8Array[]> =>
  db.driver.write(function* () {
    const ids: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      const id = random(16);
      ids.push(id);
      yield* addLogoutNotice(db, ISSUER, {
        id,
        dueAt,
        expiresAt: at(86_400_000),
        record: create(LogoutNoticeSchema, { client: { clientId: `c${i}` }, subject: "s", sid: random(16) }),
      });
    }
    return ids;
  });
const claim = (db: Db, more: { now?: ReturnType<typeof at>; limit?: number; lease?: Uint8Array } = {}) => {
  const { now = NOW, limit = 16, lease = random(16) } = more;
  return claimLogoutNotices(db, ISSUER, { lease, limit, now, until: (now + 60_000) as typeof NOW }).then((claimed) => ({ ...claimed, lease }));
};
const hex = (ids: readonly Uint8Array[]): string[] => ids.map((id) => Buffer.from(id).toString("hex")).toSorted();

describeEngines("DESIGN: the logout outbox", (engine) => {
  test("of processes that look at once each notice goes to one; the others find them taken until the lease is over", async () => {
    const { db, open } = engine();
    const ids = await put(db, 12);
    const others = await Promise.all([open(), open()]);
    const claims = await Promise.all([db, ...others].map((each) => claim(each)));
    assert.deepEqual(hex(claims.flatMap(({ notices }) => notices.map(({ id }) => id))), hex(ids));
    assert.deepEqual((await claim(db)).notices, []);
    assert.equal((await claim(db)).nextAt, at(60_000));
    const again = await claim(db, { now: at(60_000) });
    assert.deepEqual([again.notices.length, new Set(again.notices.map(({ attempts }) => attempts))], [12, new Set([2])]);
    // Whoever was taken for dead, and is not, does nothing to what is another's now.
    const late = claims.find(({ notices }) => notices.length > 0) ?? assert.fail();
    await removeLogoutNotice(db, ISSUER, { id: late.notices[0]?.id ?? assert.fail(), lease: late.lease });
    await postponeLogoutNotice(db, ISSUER, { id: late.notices[0]?.id ?? assert.fail(), lease: late.lease, dueAt: NOW, attempts: 0 });
    assert.equal((await claim(db, { now: at(120_001) })).notices.length, 12);
    for (const { id } of again.notices) await removeLogoutNotice(db, ISSUER, { id, lease: again.lease });
    assert.equal((await claim(db, { now: at(240_000) })).notices.length, 12, "by a lease that is over");
    await deleteExpired(db, ISSUER, { now: at(86_400_001), eventsBefore: NOW, limit: 100 });
  });

  test("at most as many as are wanted are taken, the oldest first; one that is let go of comes back when it is due; one that is removed does not", async () => {
    const { db } = engine();
    const old = (await put(db, 1, at(-5000)))[0] ?? assert.fail();
    await put(db, 3);
    const first = await claim(db, { limit: 1 });
    assert.deepEqual([hex(first.notices.map(({ id }) => id)), first.nextAt], [hex([old]), NOW]);
    await postponeLogoutNotice(db, ISSUER, { id: old, lease: first.lease, dueAt: at(30_000), attempts: 1 });
    const rest = await claim(db);
    assert.deepEqual([rest.notices.length, rest.nextAt], [3, at(30_000)]);
    for (const { id } of rest.notices) await removeLogoutNotice(db, ISSUER, { id, lease: rest.lease });
    assert.deepEqual((await claim(db, { now: at(29_999) })).notices, []);
    const last = await claim(db, { now: at(30_000) });
    assert.deepEqual(
      last.notices.map(({ attempts, record }) => [attempts, record.client?.clientId, record.subject]),
      [[2, "c0", "s"]],
    );
    await removeLogoutNotice(db, ISSUER, { id: old, lease: last.lease });
    assert.deepEqual(await claim(db, { now: at(200_000) }).then(({ notices, nextAt }) => [notices, nextAt]), [[], undefined]);
  });

  test("a claim whose acknowledgement was lost is the same claim again; what has expired is taken by nobody and freed by the janitor", async () => {
    const { db } = engine();
    await put(db, 2);
    const { lease, notices } = await claim(db);
    const seen = await db.driver.write(function* () {
      return (yield { kind: "run", sql: "UPDATE logout_outbox SET attempts = attempts WHERE lease = ?", params: [lease] }) as number;
    });
    assert.deepEqual([notices.length, seen], [2, 2]);
    assert.deepEqual((await claim(db, { now: at(86_400_000) })).notices, []);
    const { logout_outbox: freed } = await deleteExpired(db, ISSUER, { now: at(86_400_001), eventsBefore: NOW, limit: 100 });
    assert.equal(freed, 2);
  });
});
