import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { makeAccessTable } from "#core/access.ts";
import { makeDispatcher } from "#core/dispatch.ts";
import { startRpcServer } from "#core/server.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { type ConfigInput, configSchema } from "#lib/config.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { register } from "#lib/rpc/call.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { systemClock } from "#lib/time.ts";

const hasOpenssl = ["/usr/bin/openssl", "/bin/openssl", "/usr/local/bin/openssl"].some((path) => existsSync(path));

describe("RPC port with TLS", { skip: hasOpenssl ? false : "openssl is not installed" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "writ-tls-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string) => join(folder, name);
  const read = (name: string) => readFileSync(at(name), "utf8");
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const makeCertificate = (name: string, issuer?: string) => {
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    execFileSync("sh", ["-c", `printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\\nbasicConstraints=CA:${issuer === undefined ? "TRUE" : "FALSE"}' > ${name}.ext`], {
      cwd: folder,
    });
    const by = issuer === undefined ? ["-signkey", `${name}.key`] : ["-CA", `${issuer}.crt`, "-CAkey", `${issuer}.key`, "-CAcreateserial"];
    openssl("x509", "-req", "-in", `${name}.csr`, "-out", `${name}.crt`, "-days", "2", "-extfile", `${name}.ext`, ...by);
  };
  const start = async (input: ConfigInput) => {
    const config = configSchema.parse(input);
    const registrations = [
      register(MetadataService, { getVersion: () => ({ version: "1" }) }),
      register(TokenService, { introspect: () => ({}), batchIntrospect: () => ({}), revoke: () => ({}), async *watchRevocations() {} }),
    ];
    const dispatcher = makeDispatcher({ registrations: registrations as never, access: makeAccessTable(config), clock: systemClock, random: pooledRandom(), log: silentLog });
    return startRpcServer({ config, dispatcher, log: silentLog });
  };
  const sha256 = (name: string) =>
    createHash("sha256")
      .update(new X509Certificate(read(name)).raw)
      .digest("hex");

  test("ALPN: Connect over HTTP/1.1 and HTTP/2, gRPC and the gateway's own wire on one port", async () => {
    makeCertificate("ca");
    makeCertificate("server", "ca");
    const server = await start({
      serve: { rpc: { port: 0, tls: { enabled: true, key: { path: at("server.key") }, cert: { base64: Buffer.from(read("server.crt")).toString("base64") } } } },
    });
    const network = createNetworkTransport({ baseUrl: server.url, ca: read("ca.crt") });
    try {
      assert.match(server.url, /^https:/);
      const nodeOptions = { ca: read("ca.crt") };
      const ways = {
        h1: createConnectTransport({ baseUrl: server.url, httpVersion: "1.1", nodeOptions }),
        h2: createConnectTransport({ baseUrl: server.url, httpVersion: "2", nodeOptions }),
        grpc: createGrpcTransport({ baseUrl: server.url, nodeOptions }),
        network,
      };
      for (const [name, transport] of Object.entries(ways)) assert.equal((await createClient(MetadataService, transport).getVersion({})).version, "1", name);
      const untrusting = createNetworkTransport({ baseUrl: server.url });
      await assert.rejects(createClient(MetadataService, untrusting).getVersion({}), { code: Code.Unavailable });
      untrusting.close();
    } finally {
      network.close();
      await server.close(500);
    }
  });

  test("mutual TLS: a certificate of the CA holds the roles that access.certificates gives it; another of the CA holds none; a stranger does not get in", async () => {
    for (const name of ["service", "nobody"]) makeCertificate(name, "ca");
    makeCertificate("stranger");
    const server = await start({
      serve: { rpc: { port: 0, tls: { enabled: true, key: { path: at("server.key") }, cert: { path: at("server.crt") }, client_ca: { path: at("ca.crt") } } } },
      access: { certificates: [{ name: "service", sha256: sha256("service.crt"), roles: ["service"] }] },
    });
    const call = async (name: string | undefined, httpVersion: "1.1" | "2") => {
      const nodeOptions = { ca: read("ca.crt"), ...(name === undefined ? {} : { cert: read(`${name}.crt`), key: read(`${name}.key`) }) };
      return createClient(TokenService, createConnectTransport({ baseUrl: server.url, httpVersion, nodeOptions })).introspect({ token: "x" });
    };
    try {
      for (const version of ["1.1", "2"] as const) {
        await call("service", version);
        await assert.rejects(call("nobody", version), { code: Code.PermissionDenied }, version);
        await assert.rejects(call("stranger", version), version);
        await assert.rejects(call(undefined, version), version);
      }
      const network = createNetworkTransport({ baseUrl: server.url, ca: read("ca.crt"), cert: read("service.crt"), key: read("service.key") });
      await createClient(TokenService, network).introspect({ token: "x" });
      network.close();
    } finally {
      await server.close(500);
    }
  });

  test("a missing or unreadable key file keeps the server from starting and is named", async () => {
    await assert.rejects(
      start({ serve: { rpc: { port: 0, tls: { enabled: true, key: { path: at("nowhere.key") }, cert: { path: at("server.crt") } } } } }),
      /serve\.rpc\.tls\.key\.path cannot be read: ENOENT/,
    );
    await assert.rejects(start({ serve: { rpc: { port: 0, tls: { enabled: true, cert: { path: at("server.crt") } } } } }), /serve\.rpc\.tls\.key is not set/);
  });
});
