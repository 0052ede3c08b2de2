import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { Code, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { failure, type Rpc, startRpc } from "./rpc-harness.ts";

const run = promisify(execFile);
let folder: string;
const at = (name: string) => join(folder, name);
const pem = (name: string) => readFileSync(at(name), "utf8");
const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });

async function makeAuthority(name: string): Promise<void> {
  await openssl(
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.crt`,
  );
}

async function makeCertificate(name: string, authority: string): Promise<void> {
  await openssl(
    "req",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    `/CN=${name}`,
    "-addext",
    "subjectAltName=IP:127.0.0.1",
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
  );
  await openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    `${authority}.crt`,
    "-CAkey",
    `${authority}.key`,
    "-CAcreateserial",
    "-days",
    "2",
    "-copy_extensions",
    "copy",
    "-out",
    `${name}.crt`,
  );
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "writ-tls-"));
  await Promise.all(["ours", "foreign"].map(makeAuthority));
  for (const [name, authority] of Object.entries({ server: "ours", service: "ours", nobody: "ours", stranger: "foreign" })) await makeCertificate(name, authority);
});
after(() => rm(folder, { recursive: true, force: true }));

const tls = () => ({ enabled: true, cert: { path: at("server.crt") }, key: { path: at("server.key") } });

describe("RPC port with TLS", () => {
  let rpc: Rpc;
  before(async () => {
    rpc = await startRpc({ config: { serve: { rpc: { tls: tls() } } }, patience: { headers: 300, request: 600 } });
  });
  after(() => rpc.server.close(200));

  test("RFC 7301: ALPN chooses HTTP/2 or HTTP/1.1; Connect, gRPC and the gateway's own client are answered", async () => {
    assert.match(rpc.server.url, /^https:/);
    const ca = pem("ours.crt");
    const network = createNetworkTransport({ baseUrl: rpc.server.url, ca });
    const transports: Transport[] = [
      network,
      createConnectTransport({ baseUrl: rpc.server.url, httpVersion: "1.1", nodeOptions: { ca } }),
      createConnectTransport({ baseUrl: rpc.server.url, httpVersion: "2", nodeOptions: { ca } }),
      createGrpcTransport({ baseUrl: rpc.server.url, nodeOptions: { ca } }),
    ];
    for (const transport of transports) {
      assert.equal((await createClient(TokenService, transport).introspect({ token: "good" })).introspection?.active, true);
      const cursors = [];
      for await (const { cursor } of createClient(TokenService, transport).watchRevocations({ cursor: "end" })) cursors.push(cursor);
      assert.deepEqual(cursors, ["1"]);
    }
    network.close();
    const agreed = async (...ALPNProtocols: string[]) => {
      const socket = connectTls({ port: Number(new URL(rpc.server.url).port), host: "127.0.0.1", ca, ALPNProtocols });
      await once(socket, "secureConnect");
      socket.destroy();
      return socket.alpnProtocol;
    };
    assert.equal(await agreed("h2", "http/1.1"), "h2");
    assert.equal(await agreed("http/1.1"), "http/1.1");
  });

  test("buf curl calls by reflection", async () => {
    const curl = (...args: string[]) => run("node_modules/.bin/buf", ["curl", "--cacert", at("ours.crt"), ...args]);
    assert.match((await curl("--list-methods", rpc.server.url)).stdout, /writ\.token\.v1\.TokenService\/Introspect/);
    const { stdout } = await curl("--data", '{"token":"good"}', `${rpc.server.url}/writ.token.v1.TokenService/Introspect`);
    assert.deepEqual(JSON.parse(stdout), { introspection: { active: true } });
  });

  test("a gateway that does not know the certificate's authority gets unavailable and sends no token", async () => {
    const transport = createNetworkTransport({ baseUrl: rpc.server.url, token: "a gateway token of thirty-two chars", ca: pem("foreign.crt") });
    const { code, message } = await failure(createClient(MetadataService, transport).getVersion({}));
    assert.deepEqual([code, message], [Code.Unavailable, "[unavailable] core cannot be reached"]);
    transport.close();
  });

  test("clear text, half a handshake and silence are cut off, and the server goes on", { timeout: 10_000 }, async () => {
    for (const bytes of ["", "GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\u0016\u0003\u0001\u0002\u0000"]) {
      const socket = connectTcp(Number(new URL(rpc.server.url).port), "127.0.0.1").on("error", () => {});
      socket.resume().write(bytes, "latin1");
      await new Promise((resolve) => socket.on("close", resolve));
    }
    const silent = connectTls({ port: Number(new URL(rpc.server.url).port), host: "127.0.0.1", ca: pem("ours.crt"), ALPNProtocols: ["http/1.1"] }).on("error", () => {});
    silent.write("POST / HTTP/1.1\r\nHost:");
    await once(silent.resume(), "close");
    const transport = createNetworkTransport({ baseUrl: rpc.server.url, ca: pem("ours.crt") });
    assert.equal((await createClient(MetadataService, transport).getVersion({})).version, "1.2.3");
    transport.close();
  });
});

test("closing a port with TLS lets go of idle connections of both HTTP versions and of half a handshake", { timeout: 10_000 }, async () => {
  const rpc = await startRpc({ config: { serve: { rpc: { tls: tls() } } } });
  const ca = pem("ours.crt");
  for (const httpVersion of ["1.1", "2"] as const)
    await createClient(MetadataService, createConnectTransport({ baseUrl: rpc.server.url, httpVersion, nodeOptions: { ca, keepAlive: true } as never })).getVersion({});
  const half = connectTcp(Number(new URL(rpc.server.url).port), "127.0.0.1").on("error", () => {});
  await once(half, "connect");
  const then = performance.now();
  await rpc.server.close(500);
  assert.ok(performance.now() - then < 2000);
});

describe("client certificates", () => {
  let rpc: Rpc;
  before(async () => {
    const sha256 = createHash("sha256")
      .update(new X509Certificate(pem("service.crt")).raw)
      .digest("hex");
    const access = {
      certificates: [{ name: "introspector", sha256, roles: ["service" as const] }],
      tokens: [{ name: "admin", token: "an admin token of thirty-two chars", roles: ["admin" as const] }],
    };
    rpc = await startRpc({ config: { access, serve: { rpc: { tls: { ...tls(), client_ca: { path: at("ours.crt") } } } } } });
  });
  after(() => rpc.server.close(200));

  const ways = {
    "the gateway's own": (own: { cert?: string; key?: string }): Transport => createNetworkTransport({ baseUrl: rpc.server.url, ca: pem("ours.crt"), ...own }),
    "Connect, HTTP/1.1": (own: object): Transport => createConnectTransport({ baseUrl: rpc.server.url, httpVersion: "1.1", nodeOptions: { ca: pem("ours.crt"), ...own } }),
    "Connect, HTTP/2": (own: object): Transport => createConnectTransport({ baseUrl: rpc.server.url, httpVersion: "2", nodeOptions: { ca: pem("ours.crt"), ...own } }),
    gRPC: (own: object): Transport => createGrpcTransport({ baseUrl: rpc.server.url, nodeOptions: { ca: pem("ours.crt"), ...own } }),
  };
  const own = (name: string) => ({ cert: pem(`${name}.crt`), key: pem(`${name}.key`) });

  for (const [name, way] of Object.entries(ways))
    test(`${name}: a listed certificate has its roles, another of the authority has none, no or a foreign one gets no connection`, async () => {
      const introspect = (transport: Transport, headers: Record<string, string> = {}) => createClient(TokenService, transport).introspect({ token: "good" }, { headers });
      const listed = way(own("service"));
      for (let i = 0; i < 2; i++) assert.equal((await introspect(listed)).introspection?.active, true);
      assert.equal(rpc.contexts.at(-1)?.caller.name, "introspector");
      assert.equal((await failure(introspect(listed, { authorization: "Bearer wrong" }))).code, Code.Unauthenticated, "a wrong token is not forgiven");
      await introspect(listed, { authorization: "Bearer an admin token of thirty-two chars" });
      assert.deepEqual([rpc.contexts.at(-1)?.caller.name, rpc.contexts.at(-1)?.caller.roles.size], ["admin", 2], "certificate and token add up");
      const unlisted = way(own("nobody"));
      assert.equal((await failure(introspect(unlisted))).code, Code.PermissionDenied);
      assert.equal((await createClient(MetadataService, unlisted).getVersion({})).version, "1.2.3");
      for (const other of [way({}), way(own("stranger"))])
        assert.ok([Code.Unavailable, Code.Internal, Code.Aborted, Code.Canceled].includes((await failure(introspect(other))).code));
    });
});
