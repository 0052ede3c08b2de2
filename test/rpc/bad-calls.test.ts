import assert from "node:assert/strict";
import { test } from "node:test";
import { type DescField, type DescMethodUnary, type Message, ScalarType, toBinary } from "@bufbuild/protobuf";
import { closeDb, openDb } from "#core/store/db.ts";
import { type Log, type LogFields, silentLog } from "#lib/events.ts";
import { openFeatures } from "../bad-requests/features.ts";
import { dumpRows } from "../harness/dump.ts";
import { ENABLED } from "../harness/registration.ts";
import { ARRANGEMENTS, describeWrit } from "../harness/writ.ts";
import { type BadCall, fieldCalls, wireCalls } from "./bad-call-table.ts";
import { makeBases } from "./bases.ts";
import { mutate } from "./mutate.ts";
import { openGrpc, sendConnect } from "./wire.ts";

/** What nobody foresaw, in all arrangements so far. */
const unforeseen: LogFields[] = [];
const log: Log = { ...silentLog, error: (event, fields = {}) => void (event === "internal_error" && unforeseen.push(fields)) };
const BUGS = /^(internal|unknown|data_loss|HTTP 5\d\d)$/;

/** Does all, forty at a time. */
async function doAll<T>(items: readonly T[], each: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += 40) await Promise.all(items.slice(from, from + 40).map(each));
}

describeWrit(
  "bad calls",
  { config: ENABLED, log },
  (writ) => {
    const unaryMethods = (): readonly DescMethodUnary[] =>
      (writ().cores[0]?.dispatcher.services ?? []).flatMap((service) => service.methods.filter((method): method is DescMethodUnary => method.methodKind === "unary"));
    const post = (method: DescMethodUnary, type: string, body: Uint8Array | string) =>
      sendConnect(`${writ().rpcUrl}/${method.parent.typeName}/${method.name}`, { method: "POST", headers: { "content-type": type }, body });

    test("gRPC status codes: broken envelopes and messages, unknown methods and encodings, fields out of range: each by its code, never INTERNAL or UNKNOWN; nothing is written", {
      timeout: 120_000,
    }, async () => {
      const db = await openDb({ dsn: writ().dsn, log: silentLog });
      const { rpcUrl } = writ();
      const grpc = openGrpc(rpcUrl);
      try {
        const calls: readonly BadCall[] = [...wireCalls(rpcUrl, grpc), ...fieldCalls(await openFeatures(writ()))];
        assert.equal(new Set(calls.map(({ what }) => what)).size, calls.length, "each has a name of its own");
        assert.ok(calls.length >= 180, String(calls.length));
        const [before, wrong] = [await dumpRows(db), [] as string[]];
        await doAll(calls, async ({ what, code, call }) => {
          const outcome = await call();
          if (outcome.code !== code || /\bat .*\.[tj]s:\d+|node_modules|SQLITE|ER_[A-Z]/.test(outcome.text))
            wrong.push(`${what}: ${outcome.code}, not ${code}: ${outcome.text.slice(0, 200)}`);
        });
        assert.deepEqual(wrong, []);
        assert.equal(await dumpRows(db), before);
        assert.deepEqual(unforeseen, []);
      } finally {
        grpc.close();
        await closeDb(db);
      }
    });

    test("ProtoJSON: a value of another type, or text with half a character, in any field of any method is invalid_argument", { timeout: 120_000 }, async () => {
      const wrong: string[] = [];
      const calls = unaryMethods().flatMap((method) =>
        method.input.fields.flatMap((field) => wrongValues(field).map((value) => ({ method, body: `{${JSON.stringify(field.name)}:${value}}` }))),
      );
      assert.ok(calls.length > 200, String(calls.length));
      await doAll(calls, async ({ method, body }) => {
        for (const type of ["application/json", "application/json; charset=utf-8"]) {
          const { code } = await post(method, type, body);
          if (code !== "invalid_argument") wrong.push(`${method.name} ${body.slice(0, 80)}: ${code}`);
        }
      });
      assert.deepEqual(wrong, []);
    });

    test("gRPC status codes: every field of every method, set to what it should hardly be: never INTERNAL or UNKNOWN, each within five seconds", { timeout: 240_000 }, async () => {
      const bases = await makeBases(await openFeatures(writ()));
      const based = new Set(bases.map(([method]) => method));
      const mutants = [...bases, ...unaryMethods().flatMap((method): [DescMethodUnary, Message | undefined][] => (based.has(method) ? [] : [[method, undefined]]))].flatMap(
        ([method, base]) => mutate(method.input, base).map((mutant) => ({ method, ...mutant })),
      );
      assert.ok(mutants.length > 2500, String(mutants.length));
      const wrong: string[] = [];
      await doAll(mutants, async ({ method, what, message }) => {
        const began = performance.now();
        const { code, text } = await post(method, "application/proto", toBinary(method.input, message));
        const took = performance.now() - began;
        if (BUGS.test(code) || took > 5000) wrong.push(`${method.name} ${what}: ${code} ${text.slice(0, 200)} after ${Math.round(took)} ms`);
      });
      assert.deepEqual(wrong, []);
      assert.deepEqual(unforeseen, []);
    });
  },
  ARRANGEMENTS.filter((arrangement) => arrangement !== "direct"),
);

/** JSON texts that a field cannot hold. */
function wrongValues(field: DescField): readonly string[] {
  if (field.fieldKind === "list") return ["1", '"x"', "{}", "[[]]"];
  if (field.fieldKind === "message") return field.message.typeName.startsWith("google.protobuf.") ? [] : ["1", '"x"', "[]"];
  if (field.fieldKind !== "scalar") return [];
  if (field.scalar === ScalarType.STRING) return ["1", "[]", "{}", "true", '"\\ud800"', '"a\\udfff"'];
  if (field.scalar === ScalarType.BOOL) return ["1", '"true"', "[]"];
  if (field.scalar === ScalarType.INT32) return ["2147483648", "-2147483649", "1.5", "1e300", '"x"', "[]"];
  if (field.scalar === ScalarType.UINT32) return ["-1", "4294967296", "0.5", '"x"'];
  return ["{}", "[]"];
}
