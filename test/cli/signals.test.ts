import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { send } from "../harness/http.ts";
import { freePort } from "../harness/port.ts";
import { type Served, serve } from "../harness/process.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-signals-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const BODY = "grant_type=client_credentials&client_id=nobody&client_secret=nothing";

/** A request whose second half is still to come; answered with what has come back by the end of the connection. */
async function halfRequest(server: Served): Promise<{ readonly socket: Socket; finish(): Promise<string> }> {
  const { hostname, port } = new URL(server.urls.public ?? "");
  const socket = connect(Number(port), hostname);
  let text = "";
  const ended = new Promise<string>((resolve) => {
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("close", () => resolve(text)).on("error", () => {});
  });
  socket.write(`POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY.slice(0, 10)}`);
  await new Promise((resolve) => setTimeout(resolve, 200));
  return {
    socket,
    finish() {
      socket.write(BODY.slice(10));
      return ended;
    },
  };
}

const stopping = async (server: Served): Promise<void> => {
  for (let tries = 0; tries < 200 && !server.log().includes("server_stopping"); tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.match(server.log(), /server_stopping/);
};
const exitCode = (server: Served) => new Promise<number | null>((resolve) => server.child.once("exit", resolve));

describe("signals", { concurrency: 1 }, () => {
  const env = { DSN: `sqlite://${join(folder, "writ.sqlite")}` };

  test("SIGTERM: a request under way is answered, new connections are not taken, and the process ends with 0", async () => {
    const server = await serve(["all", "--dev"], { env });
    const exited = exitCode(server);
    const request = await halfRequest(server);
    server.child.kill("SIGTERM");
    await stopping(server);
    await assert.rejects(send(`${server.urls.public}/health/alive`));
    assert.equal(server.child.exitCode, null, "it waits for the request");
    assert.match(await request.finish(), /^HTTP\/1\.1 401 [\s\S]*invalid_client/);
    assert.equal(await exited, 0);
    assert.match(server.log(), /"reason":"SIGTERM","event":"server_stopped"/);
  });

  test("a request that does not end is cut off after serve.shutdown_grace", async () => {
    const server = await serve(["all", "--dev"], { env: { ...env, SERVE_SHUTDOWN_GRACE: "300ms" } });
    const exited = exitCode(server);
    const { socket } = await halfRequest(server);
    server.child.kill("SIGINT");
    assert.equal(await exited, 0);
    socket.destroy();
  });

  test("SIGHUP: level and format of the log are read again; a configuration that is wrong is logged and changes nothing; requests go on", async () => {
    const config = join(folder, "writ.yaml");
    const say = (text: string): void => writeFileSync(config, text);
    say("log: { level: error }\n");
    const port = await freePort();
    const server = await serve(["all", "--dev", "-c", config], { env: { ...env, SERVE_PUBLIC_PORT: `${port}` }, listeners: [] });
    const lines = async (pattern: RegExp): Promise<void> => {
      for (let tries = 0; tries < 400 && !pattern.test(server.log()); tries++) await new Promise((resolve) => setTimeout(resolve, 25));
      assert.match(server.log(), pattern);
    };
    const hangUpUntil = async (pattern: RegExp): Promise<void> => {
      for (let tries = 0; tries < 20 && !pattern.test(server.log()); tries++) {
        server.child.kill("SIGHUP");
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await lines(pattern);
    };
    // It says nothing at this level.
    const isUp = () =>
      send(`http://127.0.0.1:${port}/health/alive`).then(
        () => true,
        () => false,
      );
    for (let tries = 0; tries < 200 && !(await isUp()); tries++) await new Promise((resolve) => setTimeout(resolve, 100));
    say("log: { level: debug }\n");
    await hangUpUntil(/"least":"debug","event":"log_reloaded"/);
    say("log: { level: loud }\n");
    await hangUpUntil(/writ\.yaml:1:8: log\.level must be one of .*"event":"log_reload_failed"/);
    assert.equal(server.child.exitCode, null);
    assert.equal(await server.stop(), 0);
    assert.match(server.log(), /server_stopped/, "the level before holds");
  });

  test("a second signal ends the process at once, with 1", async () => {
    const server = await serve(["all", "--dev"], { env });
    const exited = exitCode(server);
    const { socket } = await halfRequest(server);
    server.child.kill("SIGTERM");
    await stopping(server);
    server.child.kill("SIGTERM");
    assert.equal(await exited, 1);
    socket.destroy();
  });
});
