import assert from "node:assert/strict";
import { test } from "node:test";
import { makeLine } from "./log-line.ts";

const AT = Date.parse("2026-01-02T03:04:05.678Z");

test("a line is JSON: level, time, the fields in their order, the event", () => {
  const line = makeLine("info", "request", { route: "/oauth2/token", status: 200, gone: undefined, list: [1, "a"] }, AT);
  assert.equal(line, '{"level":"info","time":"2026-01-02T03:04:05.678Z","route":"/oauth2/token","status":200,"list":[1,"a"],"event":"request"}\n');
  assert.equal(makeLine("warn", "clock_skew", {}, AT), '{"level":"warn","time":"2026-01-02T03:04:05.678Z","event":"clock_skew"}\n');
});

test("the time is what toISOString says, whichever second was written before", () => {
  for (const at of [AT, AT + 322, AT - 678, AT - 679, AT + 60_000, 0, AT]) assert.equal(JSON.parse(makeLine("info", "request", {}, at)).time, new Date(at).toISOString());
});

test("what a client sent stays inside its quotes", () => {
  const sent = 'a"}\n{"level":"error\u2028\ud800';
  const line = makeLine("info", "request", { client_id: sent }, AT);
  assert.equal(line.indexOf("\n"), line.length - 1);
  assert.equal(JSON.parse(line).client_id, sent);
});

test("a field that JSON has no form for does not take down the line", () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  for (const field of [1n, circle]) assert.deepEqual(Object.keys(JSON.parse(makeLine("error", "internal_error", { field }, AT))), ["level", "time", "fields", "event"]);
});
