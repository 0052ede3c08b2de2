import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { approve, createDevice, deviceApp, goToDevice } from "../harness/device.ts";
import type { TestClient } from "../harness/http.ts";
import { freePort } from "../harness/port.ts";
import { cleanEnv, writ as run } from "../harness/process.ts";
import { openUserAgent } from "../harness/user-agent.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

describe("writ perform device-code", () => {
  let server: Writ | undefined;
  const writ = (): Writ => server ?? assert.fail();
  before(async () => {
    const port = await freePort();
    server = await startWrit("direct", {
      config: {
        urls: { self: { issuer: `http://127.0.0.1:${port}` } },
        serve: { public: { port } },
        oauth2: { device_authorization: { token_polling_interval: "1s" } },
        ttl: { device_user_code: "20s" },
      },
    });
  });
  after(() => server?.close());

  const environment = (client: TestClient) => ({
    WRIT_PUBLIC_URL: writ().publicUrl,
    OAUTH2_CLIENT_ID: client.client_id,
    ...(client.client_secret === undefined ? {} : { OAUTH2_CLIENT_SECRET: client.client_secret }),
  });

  /** Starts the command, and waits for the code that it shows. */
  const perform = async (client: TestClient, args: readonly string[] = []) => {
    const child = spawn(process.execPath, [new URL("../../cli/main.ts", import.meta.url).pathname, "perform", "device-code", ...args], {
      env: cleanEnv(environment(client)),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [text, ended] = [{ stdout: "", stderr: "" }, once(child, "exit")];
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (chunk: string) => {
        text[name] += chunk;
      });
    let userCode: string | undefined;
    while (userCode === undefined) {
      if (child.exitCode !== null) throw new Error(`it ended: ${text.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      userCode = /^ {2}([A-Z]{4}-[A-Z]{4})$/m.exec(text.stderr)?.[1];
    }
    return { userCode, ended: async () => ({ code: (await ended)[0] as number | null, ...text }) };
  };

  test("hydra.md §11.4: shows where to enter the code, polls, and prints the tokens once the person has agreed", async () => {
    for (const metadata of [{ token_endpoint_auth_method: "none" }, { token_endpoint_auth_method: "client_secret_post" }]) {
      const performing = await perform(await createDevice(writ(), { scope: "openid offline read", ...metadata }), ["-p", "-1"]);
      await approve(writ(), openUserAgent(writ()), performing.userCode);
      const { code, stdout, stderr } = await performing.ended();
      assert.equal(code, 0, stderr);
      assert.match(stderr, /\/oauth2\/device\/verify$/m);
      for (const row of [/^ACCESS TOKEN +writ_at_\S+$/m, /^REFRESH TOKEN +writ_rt_\S+$/m, /^ID TOKEN +eyJ\S+$/m, /^EXPIRY +\d{4}-\d\d-\d\dT/m]) assert.match(stdout, row);
    }
  });

  test("RFC 8628 §3.5: access_denied ends it with 1 and a message; so does what the server refuses at the start", async () => {
    const device = await createDevice(writ(), { scope: "openid offline" });
    const performing = await perform(device, ["--scope", "openid", "--format", "json"]);
    const agent = openUserAgent(writ());
    await agent.get((await deviceApp.reject(writ(), await goToDevice(agent), performing.userCode)).body.redirect_to);
    const { code, stdout, stderr } = await performing.ended();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /access_denied/);
    const refused = await run(["perform", "device-code", "--scope", "admin"], { env: environment(device) });
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /invalid_scope/);
    for (const [args, env, says] of [
      [[], { WRIT_PUBLIC_URL: writ().publicUrl }, /OAUTH2_CLIENT_ID/],
      [["-p", "4446"], environment(device), /writ serve demo/],
      [[], { ...environment(device), WRIT_PUBLIC_URL: "http://127.0.0.1:9" }, /does not answer/],
    ] as const) {
      const answer = await run(["perform", "device-code", ...args], { env });
      assert.equal(answer.code, 1);
      assert.match(answer.stderr, says);
    }
  });
});
