import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { ConnectRouter } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { postForm, send } from "../harness/http.ts";
import { gatewayOver } from "./stand-in.ts";

const SLOW = 200;

function core(router: ConnectRouter): void {
  router.service(OAuthService, {
    async exchangeToken() {
      await new Promise((resolve) => setTimeout(resolve, SLOW));
      return { accessToken: "a", tokenType: "Bearer", expiresIn: 1, scope: "" };
    },
  });
  router.service(Health, { check: () => ({ status: Status.SERVING }) });
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 100 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
};

describe("a port", () => {
  test("a client that hangs up in the middle of its form harms nobody, and the log says that it is gone", async () => {
    const gateway = await gatewayOver(core);
    const { port } = new URL(gateway.publicUrl);
    const socket = connect(Number(port), "127.0.0.1", () => {
      socket.write("POST /oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\ngrant", () => socket.destroy());
    });
    await until(() => gateway.requests.length > 0);
    assert.deepEqual([gateway.requests[0]?.route, gateway.requests[0]?.status], ["/oauth2/token", 499]);
    assert.equal((await send(`${gateway.publicUrl}/health/alive`)).status, 200);
  });

  test("a server that is asked to stop says that it is not ready, answers what is under way, and takes no more", async () => {
    const gateway = await gatewayOver(core);
    assert.equal((await send(`${gateway.publicUrl}/health/ready`)).status, 200);
    gateway.drain();
    assert.equal((await send(`${gateway.publicUrl}/health/ready`)).status, 503);
    const answer = postForm(`${gateway.publicUrl}/oauth2/token`, { grant_type: "a" });
    await new Promise((resolve) => setTimeout(resolve, SLOW / 4));
    await gateway.close(5000);
    assert.equal((await answer).status, 200);
    await assert.rejects(send(`${gateway.publicUrl}/health/alive`));
  });

  test("a request that outlives the grace is cut", async () => {
    const gateway = await gatewayOver(core);
    const answer = postForm(`${gateway.publicUrl}/oauth2/token`, { grant_type: "a" }).then(
      () => "answered",
      () => "cut",
    );
    await new Promise((resolve) => setTimeout(resolve, SLOW / 4));
    await gateway.close(1);
    assert.equal(await answer, "cut");
  });

  test("a port that is taken is told to the operator in one line", async () => {
    const { port } = new URL((await gatewayOver(core)).publicUrl);
    await assert.rejects(gatewayOver(core, { serve: { public: { port: Number(port) } } }), new RegExp(`serve.public.port ${port} is taken`));
  });

  test("TLS: a port with a certificate speaks https, from files and from base64", { skip: hasOpenssl() ? false : "openssl is not installed" }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "writ-tls-"));
    try {
      const { key, cert } = makeCertificate(folder);
      const base64 = (path: string) => ({ base64: readFileSync(path).toString("base64") });
      const gateway = await gatewayOver(core, {
        serve: {
          public: { tls: { enabled: true, key: { path: key }, cert: { path: cert } } },
          admin: { tls: { enabled: true, key: base64(key), cert: base64(cert), client_ca: { path: cert } } },
        },
      });
      const status = (url: string, options: object = {}) =>
        new Promise<number>((resolve, reject) => {
          httpsRequest(`${url}/health/alive`, { ca: readFileSync(cert), agent: false, ...options }, (response) => {
            response.resume();
            resolve(response.statusCode ?? 0);
          })
            .on("error", reject)
            .end();
        });
      assert.match(gateway.publicUrl, /^https:/);
      assert.equal(await status(gateway.publicUrl), 200);
      await assert.rejects(status(gateway.adminUrl), "a caller without a certificate of the CA is refused");
      assert.equal(await status(gateway.adminUrl, { key: readFileSync(key), cert: readFileSync(cert) }), 200);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
