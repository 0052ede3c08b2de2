import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Health, HealthCheckRequestSchema, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import type { CallContext, Handlers } from "#lib/rpc/call.ts";
import { fromSeconds } from "#lib/time.ts";
import { healthRegistration } from "./health.ts";

const ask = (service = "") => create(HealthCheckRequestSchema, { service });
const context = (signal?: AbortSignal): CallContext => ({ requestId: "r", caller: { name: "", roles: new Set() }, now: fromSeconds(0), signal });
const health = (ready: () => Promise<boolean>) => healthRegistration({ ready, services: [MetadataService] }).handlers as unknown as Handlers<typeof Health>;

test("grpc.health.v1 Check: the server as a whole and each service by name; a name that is not served is NOT_FOUND", async () => {
  const { check } = health(async () => true);
  for (const name of ["", "writ.admin.v1.MetadataService"]) assert.equal((await check(ask(name), context())).status, Status.SERVING);
  await assert.rejects(
    async () => check(ask("writ.admin.v1"), context()),
    (error) => error instanceof ConnectError && error.code === Code.NotFound,
  );
});

test("grpc.health.v1 Check: a server that is not ready, or cannot tell, is NOT_SERVING", async () => {
  for (const ready of [async () => false, () => Promise.reject(new Error("no database"))]) assert.equal((await health(ready).check(ask(), context())).status, Status.NOT_SERVING);
});

test("grpc.health.v1 Check: those who ask at the same time share one look at the database", async () => {
  let looks = 0;
  const { check } = health(async () => {
    looks++;
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  });
  await Promise.all(Array.from({ length: 100 }, () => check(ask(), context())));
  assert.equal(looks, 1);
  await check(ask(), context());
  assert.equal(looks, 2);
});

test("grpc.health.v1 Watch: says the status at once and again when it changes, and ends with the caller", async () => {
  let isReady = true;
  const stop = new AbortController();
  const { watch } = health(async () => isReady);
  const seen: (Status | undefined)[] = [];
  for await (const { status } of watch(ask(), context(stop.signal))) {
    seen.push(status);
    isReady = false;
    if (seen.length === 2) stop.abort();
  }
  assert.deepEqual(seen, [Status.SERVING, Status.NOT_SERVING]);
  const unknown = new AbortController();
  for await (const { status } of watch(ask("nobody"), context(unknown.signal))) {
    assert.equal(status, Status.SERVICE_UNKNOWN);
    unknown.abort();
  }
});
