import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type DescMethod, type DescMethodServerStreaming, type DescMethodUnary, type DescService, getOption } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { makeAccessTable, requireClosedAddresses } from "#core/access.ts";
import { makeDispatcher } from "#core/dispatch.ts";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { JwkService } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { TokenService as AdminTokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { Access, access as accessOption } from "#gen/writ/options_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { type Config, type ConfigInput, configSchema } from "#lib/config.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import type { IncomingCall, Registration } from "#lib/rpc/call.ts";
import { systemClock } from "#lib/time.ts";
import { failure } from "./rpc-harness.ts";

const SERVICES: readonly DescService[] = [OAuthService, ClientService, JwkService, AdminTokenService, MetadataService, TokenService, Health];
const METHODS = SERVICES.flatMap((service) => service.methods);
const ROLES = { gateway: Access.GATEWAY, admin: Access.ADMIN, keys: Access.KEYS, service: Access.SERVICE } as const;
type Role = keyof typeof ROLES;
const names = Object.keys(ROLES) as Role[];

const tokenOf = (role: Role) => `${role}-token-of-thirty-two-characters`;
const digestOf = (role: Role) => String(names.indexOf(role) + 1).repeat(64);
const ACCESS: ConfigInput["access"] = {
  tokens: names.map((name) => ({ name, token: tokenOf(name), roles: [name] })),
  certificates: names.map((name) => ({ name, sha256: digestOf(name), roles: [name] })),
};

/** Calls a method whose handler answers with nothing. */
function caller(input: ConfigInput, services = SERVICES) {
  const stubs = services.map((service): Registration => {
    const handlers = service.methods.map((method) => [method.localName, method.methodKind === "unary" ? () => ({}) : async function* () {}]);
    return { service, handlers: Object.fromEntries(handlers) };
  });
  const dispatcher = makeDispatcher({ registrations: stubs, access: makeAccessTable(configSchema.parse(input)), clock: systemClock, random: pooledRandom(), log: silentLog });
  return async (method: DescMethod, more: Partial<IncomingCall> = {}): Promise<void> => {
    const call: IncomingCall = { via: "network", authorization: undefined, certificateSha256: undefined, requestId: undefined, signal: undefined, ...more };
    if (method.methodKind === "unary") await dispatcher.unary(method as DescMethodUnary, create(method.input), call);
    else for await (const _ of dispatcher.serverStream(method as DescMethodServerStreaming, create(method.input), call));
  };
}

const isOpen = (method: DescMethod) => method.parent === Health || getOption(method, accessOption) === Access.ANYONE;

describe("who may call what, read from the contract", () => {
  const call = caller({ access: ACCESS });

  test("every method names its role", () => {
    for (const method of METHODS) if (method.parent !== Health) assert.notEqual(getOption(method, accessOption), Access.UNSPECIFIED, method.name);
  });

  for (const method of METHODS) {
    test(`${method.parent.typeName}/${method.name}: by token or certificate only its role; without credentials, or with wrong ones, nobody`, async () => {
      for (const role of names) {
        const expected = isOpen(method) || getOption(method, accessOption) === ROLES[role];
        for (const credential of [{ authorization: `Bearer ${tokenOf(role)}` }, { certificateSha256: digestOf(role) }]) {
          if (expected) await call(method, credential);
          else assert.equal((await failure(call(method, credential))).code, Code.PermissionDenied, role);
        }
      }
      if (isOpen(method)) await call(method);
      else assert.equal((await failure(call(method))).code, Code.Unauthenticated);
      const stranger = { certificateSha256: "f".repeat(64) };
      if (isOpen(method)) await call(method, stranger);
      else assert.equal((await failure(call(method, stranger))).code, Code.PermissionDenied);
      for (const authorization of [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        `Basic ${tokenOf("admin")}`,
        `Bearer${tokenOf("admin")}`,
        tokenOf("admin"),
        `Bearer ${tokenOf("admin")}, Bearer ${tokenOf("admin")}`,
        `Bearer é${tokenOf("admin")}`,
      ]) {
        const { code, rawMessage } = await failure(call(method, { authorization, certificateSha256: digestOf("admin") }));
        assert.deepEqual([code, rawMessage], [Code.Unauthenticated, "credentials are not valid"], authorization);
      }
    });
  }

  test("RFC 9110 §11.1: the scheme's case does not matter", async () => {
    for (const scheme of ["bearer", "BEARER", "Bearer  "]) await call(TokenService.method.introspect, { authorization: `${scheme} ${tokenOf("service")}` });
  });

  test("a token may be configured by its digest alone", async () => {
    const { createHash } = await import("node:crypto");
    const sha256 = createHash("sha256").update("whatever it is").digest("hex");
    const byDigest = caller({ access: { tokens: [{ name: "a", sha256, roles: ["service"] }] } });
    await byDigest(TokenService.method.introspect, { authorization: "Bearer whatever it is" });
    assert.equal((await failure(byDigest(TokenService.method.introspect, { authorization: `Bearer ${sha256}` }))).code, Code.Unauthenticated);
  });

  test("the roles of a certificate and of a token add up", async () => {
    const both = { certificateSha256: digestOf("gateway"), authorization: `Bearer ${tokenOf("admin")}` };
    await call(OAuthService.method.getJwks, both);
    await call(ClientService.method.listClients, both);
    assert.equal((await failure(call(JwkService.method.getJwkSet, both))).code, Code.PermissionDenied);
  });
});

describe("the gateway in the same process", () => {
  const direct = { via: "direct" } as const;

  test("is a gateway and no more; what its caller brings adds to that", async () => {
    const call = caller({ access: ACCESS });
    await call(OAuthService.method.exchangeToken, direct);
    assert.equal((await failure(call(ClientService.method.listClients, direct))).code, Code.Unauthenticated);
    await call(ClientService.method.listClients, { ...direct, authorization: `Bearer ${tokenOf("admin")}` });
    assert.equal((await failure(call(ClientService.method.listClients, { ...direct, authorization: `Bearer ${tokenOf("service")}` }))).code, Code.PermissionDenied);
    assert.equal((await failure(call(OAuthService.method.exchangeToken, { ...direct, authorization: "Bearer wrong" }))).code, Code.Unauthenticated);
  });

  test("has every role where nothing is configured, or something in front of the admin port asks", async () => {
    for (const input of [{}, { access: ACCESS, serve: { admin: { open: true } } }]) for (const method of METHODS) await caller(input)(method, direct);
    const call = caller({ access: ACCESS, serve: { admin: { open: true } } });
    assert.equal((await failure(call(ClientService.method.listClients))).code, Code.Unauthenticated, "the RPC port is not open by that");
  });
});

test("where nothing is configured every caller has every role, whatever it brings", async () => {
  const call = caller({});
  for (const method of METHODS) for (const more of [{}, { authorization: "Bearer x" }, { certificateSha256: "f".repeat(64) }]) await call(method, more);
});

test("a method without the option can be called by nobody, a method that is not served is unimplemented", async () => {
  const bare = { ...TokenService.method.introspect, proto: { ...TokenService.method.introspect.proto, options: undefined } };
  const service = { ...TokenService, methods: [bare], method: { introspect: bare } } as unknown as DescService;
  const dispatcher = makeDispatcher({
    registrations: [{ service, handlers: { introspect: () => ({}) } as never }],
    access: makeAccessTable(configSchema.parse({})),
    clock: systemClock,
    random: pooledRandom(),
    log: silentLog,
  });
  const call: IncomingCall = { via: "direct", authorization: undefined, certificateSha256: undefined, requestId: undefined, signal: undefined };
  const method = bare as unknown as typeof TokenService.method.introspect;
  assert.equal((await failure(dispatcher.unary(method, create(method.input), call))).code, Code.Unauthenticated);
  assert.equal((await failure(dispatcher.unary(method, create(method.input), { ...call, authorization: "Bearer x" }))).code, Code.PermissionDenied);
  assert.equal((await failure(dispatcher.unary(TokenService.method.revoke, create(TokenService.method.revoke.input), call))).code, Code.Unimplemented);
});

test("a service whose handler is missing is a mistake that is seen at start", () => {
  assert.throws(
    () =>
      makeDispatcher({
        registrations: [{ service: MetadataService, handlers: {} }],
        access: makeAccessTable(configSchema.parse({})),
        clock: systemClock,
        random: pooledRandom(),
        log: silentLog,
      }),
    /GetVersion has no handler/,
  );
});

describe("addresses that others reach", () => {
  const config = (input: ConfigInput): Config => configSchema.parse(input);
  const both = ["admin", "rpc"] as const;

  test("are refused for admin and rpc where nobody is asked for credentials, with the option's name", () => {
    for (const name of both)
      for (const host of ["0.0.0.0", "::", "[::]", "10.0.0.1", "example.com", "", "127.0.0.1.example.com", "128.0.0.1", "::ffff:127.0.0.1", "localhost.example.com"])
        assert.throws(() => requireClosedAddresses(config({ serve: { [name]: { host } } }), both), new RegExp(`^Error: serve\\.${name}\\.host is [^\\n]*$`), host);
  });

  test("are fine on loopback, with credentials, with client certificates, when something in front asks, and for ports that are not served", () => {
    for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"]) requireClosedAddresses(config({ serve: { admin: { host }, rpc: { host } } }), both);
    const host = "0.0.0.0";
    requireClosedAddresses(config({ serve: { rpc: { host } }, access: ACCESS }), both);
    requireClosedAddresses(config({ serve: { rpc: { host, open: true } } }), both);
    requireClosedAddresses(config({ serve: { rpc: { host, tls: { enabled: true, client_ca: { path: "ca.pem" } } } } }), both);
    requireClosedAddresses(config({ serve: { rpc: { host } } }), ["admin"]);
    assert.throws(() => requireClosedAddresses(config({ serve: { rpc: { host, tls: { enabled: false, client_ca: { path: "ca.pem" } } } } }), both));
    assert.throws(() => requireClosedAddresses(config({ serve: { rpc: { host, open: true }, admin: { host } } }), both), /serve\.admin\.host/);
  });
});

test("a refusal names the caller as the configuration does, and nothing of the credentials", async () => {
  const error = await failure(caller({ access: ACCESS })(TokenService.method.revoke, { authorization: `Bearer ${tokenOf("admin")}` }));
  assert.deepEqual([ConnectError.from(error).rawMessage], ["admin may not call writ.token.v1.TokenService/Revoke"]);
});
