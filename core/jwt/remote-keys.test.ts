import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { silentLog } from "#lib/events.ts";
import type { EpochMillis } from "#lib/time.ts";
import { makeOutbound } from "../outbound/outbound.ts";
import { makeRemoteKeys } from "./remote-keys.ts";

const NOW = 1_700_000_000_000 as EpochMillis;
const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
const hits = new Map<string, number>();
const server = createServer(({ url = "" }, response) => {
  hits.set(url, (hits.get(url) ?? 0) + 1);
  const padding = url.startsWith("/large") ? "x".repeat(60_000) : "";
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ keys: [{ ...jwk, padding }] }));
});
const outbound = makeOutbound({ allow: [], allowLoopback: true, allowHttp: true });
const at = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(async () => {
  server.close();
  await outbound.close();
});

test("RFC 7517 §5: sets are kept, however many clients have one; large ones push each other out before they take the memory", async () => {
  const remote = makeRemoteKeys({ outbound, log: silentLog });
  const all = (kind: string, count: number) => Array.from({ length: count }, (_, i) => at(`/${kind}/${i}`));
  const ask = async (urls: readonly string[]): Promise<void> => {
    for (const url of urls) assert.equal((await remote.get(url, NOW)).length, 1);
  };
  await ask(all("small", 50));
  await ask(all("small", 50));
  assert.equal(hits.get("/small/0"), 1);
  await ask(all("large", 100)); // six megabytes
  await ask(all("large", 100).slice(-10));
  assert.deepEqual([hits.get("/large/99"), hits.get("/large/0")], [1, 1]);
  await ask([at("/large/0"), at("/small/0")]);
  assert.deepEqual([hits.get("/large/0"), hits.get("/small/0")], [2, 2]);
});
