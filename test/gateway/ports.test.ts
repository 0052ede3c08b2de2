import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer as createHttpsServer, request as httpsRequest } from "node:https";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { ConnectRouter } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { configSchema } from "#lib/config.ts";
import { type LogEvent, silentLog } from "#lib/events.ts";
import { reloadTls } from "#lib/rpc/tls-reload.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { gatewayOver } from "./stand-in.ts";

const folder = mkdtempSync(join(tmpdir(), "writ-ports-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const certificate = (name: string): { key: string; cert: string } => {
  const made = makeCertificate(folder);
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.cert`)];
  renameSync(made.key, key);
  renameSync(made.cert, cert);
  return { key, cert };
};
const [first, second] = [certificate("first"), certificate("second")];

const peers: string[] = [];
function core(router: ConnectRouter): void {
  router.service(Health, { check: () => ({ status: Status.SERVING }) });
  router.service(OAuthService, {
    exchangeToken({ context }) {
      peers.push(context?.peerAddress ?? "");
      return { accessToken: "a", tokenType: "Bearer", expiresIn: 1, scope: "" };
    },
  });
}

interface Got {
  readonly status: number;
  readonly text: string;
}

/** One request over a connection of its own. */
function ask(url: string, path: string, { headers = {}, form, socketPath }: { headers?: Record<string, string>; form?: string; socketPath?: string } = {}): Promise<Got> {
  const make = url.startsWith("https:") ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const type = form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" };
    const request = make(
      `${url}${path}`,
      {
        agent: false,
        method: form === undefined ? "GET" : "POST",
        headers: { ...type, ...headers },
        rejectUnauthorized: false,
        ...(socketPath === undefined ? {} : { socketPath }),
      } as object,
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    request.on("error", reject).end(form);
  });
}

describe("serve.*.tls.allow_termination_from", () => {
  const tls = { enabled: true, key: { path: first.key }, cert: { path: first.cert } };

  test("hydra.md §1.3: a port with TLS takes plain HTTP only from proxies that say they were spoken to by https, and probes; TLS goes on beside it", async () => {
    const gateway = await gatewayOver(core, {
      serve: { public: { tls: { ...tls, allow_termination_from: ["127.0.0.0/8"] } }, admin: { tls: { ...tls, allow_termination_from: ["10.0.0.0/8"] } } },
    });
    assert.match(gateway.publicUrl, /^https:/);
    const plain = gateway.publicUrl.replace("https:", "http:");
    const token = { form: "grant_type=a" };
    assert.equal((await ask(gateway.publicUrl, "/oauth2/token", token)).status, 200);
    for (const headers of [{}, { "x-forwarded-proto": "http" }, { "x-forwarded-proto": "https, http" }] as Record<string, string>[])
      assert.equal((await ask(plain, "/oauth2/token", { ...token, headers })).status, 502, JSON.stringify(headers));
    assert.equal((await ask(plain, "/oauth2/token", { ...token, headers: { "x-forwarded-proto": "https" } })).status, 200);
    for (const path of ["/health/alive", "/health/ready"]) assert.equal((await ask(plain, path)).status, 200, path);
    const admin = gateway.adminUrl.replace("https:", "http:");
    const stranger = await ask(admin, "/admin/clients", { headers: { "x-forwarded-proto": "https", "x-forwarded-for": "10.0.0.1" } });
    assert.equal(stranger.status, 502, "whoever writes the header is not believed");
    assert.match(stranger.text, /allow_termination_from/);
    assert.equal((await ask(admin, "/health/alive")).status, 502, "hydra.md §1.3: the admin port has no exemption");
  });

  test("a connection that says nothing is cut off, one that ends in the middle of a handshake harms nobody", async () => {
    const gateway = await gatewayOver(core, { serve: { public: { tls: { ...tls, allow_termination_from: ["127.0.0.1"] } } } });
    const { port } = new URL(gateway.publicUrl);
    for (const bytes of [Buffer.from([0x16]), Buffer.from([0x16, 3, 1, 0, 5, 1]), Buffer.from("GET"), Buffer.from([0])]) {
      const socket = connect(Number(port), "127.0.0.1", () => socket.write(bytes, () => socket.end()));
      socket.on("error", () => {}).resume();
      await new Promise((resolve) => socket.once("close", resolve));
    }
    const silent = connect(Number(port), "127.0.0.1");
    const began = performance.now();
    await new Promise((resolve) => silent.on("error", () => {}).once("close", resolve));
    assert.ok(performance.now() - began < 8000);
    assert.equal((await ask(gateway.publicUrl, "/health/alive")).status, 200);
  });

  test("without a certificate the port is plain, for proxies alone", async () => {
    const gateway = await gatewayOver(core, { serve: { public: { tls: { enabled: true, allow_termination_from: ["127.0.0.1"] } } } });
    assert.match(gateway.publicUrl, /^http:/);
    assert.equal((await ask(gateway.publicUrl, "/oauth2/token", { form: "grant_type=a" })).status, 502);
    assert.equal((await ask(gateway.publicUrl, "/oauth2/token", { form: "grant_type=a", headers: { "x-forwarded-proto": "https" } })).status, 200);
  });

  test("X-Forwarded-For is believed of these proxies alone: the last address that is none of theirs is the peer's", async () => {
    const trusting = await gatewayOver(core, { serve: { public: { tls: { allow_termination_from: ["127.0.0.0/8", "10.0.0.0/8"] } } } });
    const other = await gatewayOver(core, { serve: { public: { tls: { allow_termination_from: ["10.0.0.0/8"] } } } });
    const peerOf = async (url: string, forwarded: string): Promise<string | undefined> => {
      await ask(url, "/oauth2/token", { form: "grant_type=a", headers: { "x-forwarded-for": forwarded } });
      return peers.at(-1);
    };
    assert.equal(await peerOf(trusting.publicUrl, "203.0.113.7"), "203.0.113.7");
    assert.equal(await peerOf(trusting.publicUrl, "198.51.100.1, 203.0.113.7, 10.1.1.1"), "203.0.113.7", "what the client wrote in front is not looked at");
    assert.equal(await peerOf(trusting.publicUrl, "10.9.9.9, 10.1.1.1"), "10.9.9.9");
    assert.equal(await peerOf(other.publicUrl, "203.0.113.7"), "127.0.0.1");
  });

  test("what is no network is refused by its name", () => {
    const { error } = configSchema.safeParse({ serve: { public: { tls: { allow_termination_from: ["10.0.0.0/8", "proxy.internal"] } } } });
    assert.deepEqual(error?.issues[0]?.path, ["serve", "public", "tls", "allow_termination_from", 1]);
  });
});

describe("unix sockets", () => {
  test("hydra.md §1.1: public and admin port on socket files, with their mode; a file that was left behind is taken away, one in use is not", async () => {
    const [publicSocket, adminSocket] = [join(folder, "public.sock"), join(folder, "admin.sock")];
    // As a process leaves it that was killed.
    const left = createServer().listen(publicSocket);
    await new Promise((resolve) => left.once("listening", resolve));
    left.close = () => left;
    (left as unknown as { _handle: { close(): void } })._handle.close();
    const serve = { public: { host: `unix:${publicSocket}`, socket: { mode: "0660" } }, admin: { host: `unix:${adminSocket}`, socket: { group: String(process.getgid?.()) } } };
    const gateway = await gatewayOver(core, { serve });
    assert.equal(gateway.publicUrl, `unix:${publicSocket}`);
    assert.deepEqual([statSync(publicSocket).mode & 0o777, statSync(adminSocket).mode & 0o777], [0o660, 0o755]);
    assert.equal((await ask("http://writ", "/health/alive", { socketPath: publicSocket })).status, 200);
    assert.equal((await ask("http://localhost", "/admin/health/alive", { socketPath: adminSocket })).status, 200);
    await ask("http://writ", "/oauth2/token", { socketPath: publicSocket, form: "grant_type=a", headers: { "x-forwarded-for": "203.0.113.7" } });
    assert.equal(peers.at(-1), "203.0.113.7", "who can open the file is the proxy");
    await assert.rejects(gatewayOver(core, { serve }), /serve\.public\.host unix:.*public\.sock is taken/);
    assert.equal((await ask("http://writ", "/health/alive", { socketPath: publicSocket })).status, 200);
  });

  test("an owner that nobody knows, and a folder that is not there, are said in one line", async () => {
    const at = (path: string, socket: object = {}) => gatewayOver(core, { serve: { public: { host: `unix:${join(folder, path)}`, socket } } });
    await assert.rejects(at("a.sock", { owner: "nobody-of-this-name" }), /serve\.public\.socket\.owner is 'nobody-of-this-name'/);
    writeFileSync(join(folder, "file"), "precious");
    await assert.rejects(at("file"), /there is a file of another kind, which is left alone/);
    assert.equal(readFileSync(join(folder, "file"), "utf8"), "precious");
    await assert.rejects(at("nowhere/b.sock"), /serve\.public\.host unix:.*cannot be listened on \(E/);
    for (const mode of ["rwxr-xr-x", "0999", 493]) assert.equal(configSchema.safeParse({ serve: { public: { socket: { mode } } } }).success, false, String(mode));
    assert.equal(configSchema.parse({ serve: { public: { socket: { mode: 755 } } } }).serve.public.socket.mode, "755"); // as YAML reads 0755
  });
});

describe("certificate files that change", () => {
  test("connections from then on get the new one, those that are there stay; what cannot be used is logged once and changes nothing", async () => {
    const [key, cert] = [join(folder, "live.key"), join(folder, "live.cert")];
    const install = (name: string, content: Buffer | string): void => {
      writeFileSync(`${name}.new`, content);
      renameSync(`${name}.new`, name);
    };
    install(key, readFileSync(first.key));
    install(cert, readFileSync(first.cert));
    const server = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_, response) => response.end("ok"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const events: LogEvent[] = [];
    const log = { ...silentLog, info: (event: LogEvent) => void events.push(event), error: (event: LogEvent) => void events.push(event) };
    const { tls } = configSchema.parse({ serve: { rpc: { tls: { enabled: true, key: { path: key }, cert: { path: cert } } } } }).serve.rpc;
    const stop = reloadTls("rpc", tls, server, log, 10);
    after(() => {
      stop();
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as { port: number };
    const open = (): Promise<TLSSocket> =>
      new Promise((resolve, reject) => {
        const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => resolve(socket)).on("error", reject);
      });
    const serialOf = (socket: TLSSocket) => socket.getPeerCertificate().serialNumber;
    const until = async (count: number): Promise<void> => {
      for (let tries = 0; tries < 300 && events.length < count; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const kept = await open();
    const before = serialOf(kept);

    install(cert, readFileSync(second.cert)); // the key is still the other's
    await until(1);
    assert.equal(serialOf(await open()), before);
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(events, ["tls_reload_failed"], "said once");
    install(key, readFileSync(second.key));
    await until(2);
    const renewed = serialOf(await open());
    assert.notEqual(renewed, before);
    install(cert, "nonsense");
    await until(3);
    rmSync(key);
    await until(4);
    assert.equal(serialOf(await open()), renewed);
    assert.deepEqual(events, ["tls_reload_failed", "tls_reloaded", "tls_reload_failed", "tls_reload_failed"]);
    kept.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert.match(String(await new Promise((resolve) => kept.once("data", resolve))), /200 OK/);
  });
});

test("serve.*.request_log.disable_for_health: probes make no line, all else does", async () => {
  const gateway = await gatewayOver(core, { serve: { public: { request_log: { disable_for_health: true } } } });
  await ask(gateway.publicUrl, "/health/alive");
  await ask(gateway.publicUrl, "/oauth2/token", { form: "grant_type=a" });
  await ask(gateway.adminUrl, "/health/alive");
  assert.deepEqual(
    gateway.requests.map(({ listener, route }) => [listener, route]),
    [
      ["public", "/oauth2/token"],
      ["admin", "/admin/health/alive"],
    ],
  );
});
