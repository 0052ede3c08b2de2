import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import { type ApiFlags, api, endpointOf } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { postAsClient } from "./client-credentials.ts";

const NAMES = ["WRIT_ADMIN_URL", "WRIT_PUBLIC_URL", "WRIT_URL", "ORY_SDK_URL"] as const;
const kept = Object.fromEntries(NAMES.map((name) => [name, process.env[name]]));
beforeEach(() => NAMES.forEach((name) => delete process.env[name]));
after(() => Object.assign(process.env, Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined))));

const servers: Server[] = [];
afterEach(() => servers.splice(0).forEach((server) => server.close()));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Where a server answers so. */
async function answering(listener: RequestListener): Promise<ApiFlags> {
  return { endpoint: `http://127.0.0.1:${await listen(createServer(listener))}` };
}

/** What the person at the terminal reads. */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => assert.fail("it was answered well"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof CliError, String(error));
  return error.message;
}

describe("the endpoint", () => {
  test("the flag counts more than the port's variable, which counts more than those for both", () => {
    const { env } = process;
    env.ORY_SDK_URL = "http://ory";
    assert.equal(endpointOf({}, "admin"), "http://ory");
    env.WRIT_URL = "http://both/";
    assert.equal(endpointOf({}, "admin"), "http://both");
    Object.assign(env, { WRIT_ADMIN_URL: "http://admin", WRIT_PUBLIC_URL: "http://public//" });
    assert.deepEqual([endpointOf({}, "admin"), endpointOf({}, "public")], ["http://admin", "http://public"]);
    assert.equal(endpointOf({ endpoint: "https://flag/base/" }, "admin"), "https://flag/base");
  });

  test("without one, and with one that is no URL, it is said how to name it", () => {
    assert.throws(() => endpointOf({}, "public"), /--endpoint http:\/\/127\.0\.0\.1:4444.*WRIT_PUBLIC_URL, WRIT_URL or ORY_SDK_URL/);
    for (const endpoint of ["localhost:4445", "ftp://x", "http://", "http://[", "nonsense"])
      assert.throws(() => endpointOf({ endpoint }, "admin"), /is no URL such as http:\/\/127\.0\.0\.1:4445/, endpoint);
  });
});

describe("answers that are not good", () => {
  for (const [what, status, headers, body, expected] of [
    ["the API's error", 400, {}, '{"error":"invalid_request","error_description":"no such scope"}', /"error_description": "no such scope"[\s\S]*status 400/],
    ["no credentials", 401, {}, "{}", /^The server refused the request with status 401.*-H "Authorization: Bearer TOKEN"/],
    ["another port's 404", 404, {}, "<html>not found</html>", /<html>not found<\/html>\n.*status 404.*really the admin port/],
    ["a redirect", 308, { location: "https://elsewhere.example/" }, "", /^The server refused the request with status 308. It sends to https:\/\/elsewhere\.example\//],
    ["a page in place of JSON", 200, {}, "<html>hello</html>", /no JSON.*really the admin port/],
    ["a word in place of an object", 200, {}, '"hello"', /no JSON/],
  ] as const)
    test(`${what}: the server's words, and what to do`, async () => {
      const flags = await answering((_request, response) => response.writeHead(status, headers).end(body));
      assert.match(await refusal(api(flags, "GET", "/admin/clients/x")), expected);
    });

  test("an empty body is an answer", async () => {
    const flags = await answering((_request, response) => response.writeHead(204).end());
    assert.deepEqual((await api(flags, "DELETE", "/admin/clients/x")).body, {});
  });

  test("nobody there, one that hangs up and one that speaks something else: which URL, why, and what to do", async () => {
    const free = await listen(createTcpServer());
    servers.splice(0).forEach((server) => server.close());
    assert.match(
      await refusal(api({ endpoint: `http://127.0.0.1:${free}` }, "GET", "/")),
      /^http:\/\/127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)\. Is a server running there\?.*serve all --dev/,
    );
    const hangsUp = await listen(createTcpServer((socket) => socket.destroy()));
    assert.match(await refusal(api({ endpoint: `http://127.0.0.1:${hangsUp}` }, "GET", "/")), /\(ECONNRESET\)/);
    const speaksElse = await listen(createTcpServer((socket) => socket.once("data", () => socket.end("SSH-2.0-OpenSSH\r\n"))));
    assert.match(await refusal(api({ endpoint: `http://127.0.0.1:${speaksElse}` }, "GET", "/")), /\(HPE_\w+\)/);
    assert.match(await refusal(api({ endpoint: `https://127.0.0.1:${await listen(createServer())}` }, "GET", "/")), /http:\/\/ instead of https:\/\//);
  });
});

describe("requests", () => {
  test("headers of -H are sent, more than one, and count more than those of the command", async () => {
    const seen: unknown[] = [];
    const flags = await answering((request, response) => {
      seen.push(request.headers.authorization, request.headers["x-a"], request.headers.accept);
      response.end("{}");
    });
    await api({ ...flags, httpHeader: ["Authorization: Bearer t", "X-A:b: c", "Accept: application/x"] }, "GET", "/");
    assert.deepEqual(seen, ["Bearer t", "b: c", "application/x"]);
  });

  test("a header that is none is refused, without being shown", async () => {
    for (const header of ["hunter22", "a b: hunter22", "x: hunter22\r\ny: z", "x: hunter22\nz", ": hunter22"]) {
      const message = await refusal(api({ endpoint: "http://127.0.0.1:1", httpHeader: [header] }, "GET", "/"));
      assert.match(message, /'Name: value'/);
      assert.ok(!message.includes("hunter22"));
    }
  });

  test("RFC 6749 §2.3.1: Basic halves are form-encoded; where Basic is refused, the secret goes in the form", async () => {
    const seen: string[] = [];
    const flags = await answering(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += String(chunk);
      seen.push(`${request.headers.authorization ?? "-"} ${body}`);
      response.writeHead(request.headers.authorization === undefined ? 200 : 401).end("{}");
    });
    const { status } = await postAsClient(flags, "/oauth2/token", new URLSearchParams({ a: "b" }), { clientId: "a:b c", clientSecret: "ü%+" });
    assert.equal(status, 200);
    assert.deepEqual(seen, [`Basic ${Buffer.from("a%3Ab+c:%C3%BC%25%2B").toString("base64")} a=b`, "- a=b&client_id=a%3Ab+c&client_secret=%C3%BC%25%2B"]);
  });

  test("--skip-tls-verify takes a certificate that nobody vouches for; without it, that is what is said", async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "writ-tls-"));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    execFileSync(
      "openssl",
      ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-days", "1"],
      { stdio: "ignore" },
    );
    const server = createSecureServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => response.end('{"a":1}'));
    const endpoint = `https://127.0.0.1:${await listen(server)}`;
    assert.match(await refusal(api({ endpoint }, "GET", "/")), /\(DEPTH_ZERO_SELF_SIGNED_CERT\).*--skip-tls-verify/);
    assert.deepEqual((await api({ endpoint, skipTlsVerify: true }, "GET", "/")).body, { a: 1 });
  });
});
