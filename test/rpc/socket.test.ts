import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { composeCore } from "#core/compose.ts";
import { startRpcServer } from "#core/server.ts";
import { silentLog } from "#lib/events.ts";
import { testConfig } from "../harness/writ.ts";

test("hydra.md §1.1: the RPC port listens on a socket file too, which goes with the server", async () => {
  const folder = mkdtempSync(join(tmpdir(), "writ-rpc-socket-"));
  const socketPath = join(folder, "rpc.sock");
  const config = testConfig("memory", { serve: { rpc: { host: `unix:${socketPath}`, socket: { mode: "0600" } } } });
  const core = await composeCore(config, { log: silentLog, version: "1.2.3" });
  const rpc = await startRpcServer({ config, dispatcher: core.dispatcher, log: silentLog });
  try {
    assert.deepEqual([rpc.url, statSync(socketPath).mode & 0o777], [`unix:${socketPath}`, 0o600]);
    const text = await new Promise<string>((resolve, reject) => {
      const sent = request({ socketPath, path: "/writ.admin.v1.MetadataService/GetVersion", method: "POST", headers: { "content-type": "application/json" } }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve(body));
      });
      sent.on("error", reject).end("{}");
    });
    assert.match(text, /1\.2\.3/);
    await rpc.close(100);
    assert.equal(existsSync(socketPath), false);
  } finally {
    await core.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
