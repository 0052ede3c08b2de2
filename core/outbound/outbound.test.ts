import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { after, before, test } from "node:test";
import { makeOutbound, type Outbound, type OutboundOptions, type OutboundOutcome } from "./outbound.ts";

const made: Outbound[] = [];
/** Strict but for plain http, since the peer is a real server on loopback. */
const outbound = (options: Partial<OutboundOptions> = {}): Outbound => {
  const one = makeOutbound({ allow: [], allowLoopback: true, allowHttp: true, ...options });
  made.push(one);
  return one;
};
/** A name server that answers with these, each time the next. */
const names = (...answers: readonly (readonly string[])[]): LookupFunction & { asked: number } => {
  const lookup = Object.assign(
    (_host: string, _options: unknown, callback: (error: null, addresses: { address: string; family: number }[]) => void) => {
      const addresses = answers[Math.min(lookup.asked++, answers.length - 1)] ?? [];
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    },
    { asked: 0 },
  );
  return lookup as unknown as LookupFunction & { asked: number };
};

let server: Server;
let port = 0;
let hits: string[] = [];
const routes: Readonly<Record<string, (response: ServerResponse, request: IncomingMessage) => void>> = {
  "/ok": (response) => response.writeHead(200, { "content-type": "text/plain", "x-a": ["1", "2"] }).end("hello"),
  "/redirect": (response) => response.writeHead(302, { location: "/ok" }).end("moved"),
  "/huge-announced": (response) => response.writeHead(200, { "content-length": "1000000" }).end(Buffer.alloc(1_000_000)),
  "/huge": (response) => {
    response.writeHead(200);
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    };
    response.on("drain", pour);
    pour();
  },
  "/silent": () => {},
  "/drip": (response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write("."), 20);
    response.on("close", () => clearInterval(timer));
  },
  "/huge-headers": (response) => response.writeHead(200, { "x-large": "x".repeat(40_000) }).end(),
  "/broken": (response) => response.socket?.end("no HTTP at all\r\n\r\n"),
  "/cut": (response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("half", () => response.destroy());
  },
  "/post": (response, request) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => response.end(JSON.stringify([request.method, request.headers["content-type"], body])));
  },
};

before(async () => {
  server = createServer((request, response) => {
    hits.push(request.url ?? "");
    (routes[request.url ?? ""] ?? ((other) => other.writeHead(404).end()))(response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});
after(async () => {
  await Promise.all(made.map((one) => one.close()));
  server.closeAllConnections();
  server.close();
});

const url = (path: string, host = "127.0.0.1") => `http://${host}:${port}${path}`;
const summary = (outcome: OutboundOutcome) => (outcome.kind === "answered" ? `${outcome.status} ${Buffer.from(outcome.body)}` : outcome.reason);

test("an answer has its status, headers and bytes; the fragment is not sent", async () => {
  hits = [];
  const outcome = await outbound().get(`${url("/ok")}#fragment`);
  assert.equal(summary(outcome), "200 hello");
  assert.equal(outcome.kind === "answered" && outcome.headers["content-type"], "text/plain");
  assert.equal(outcome.kind === "answered" && outcome.headers["x-a"], "1, 2");
  assert.deepEqual(hits, ["/ok"]);
});

test("a form is posted, encoded", async () => {
  assert.equal(summary(await outbound().post(url("/post"), { logout_token: "a b&c=d" })), '200 ["POST","application/x-www-form-urlencoded","logout_token=a+b%26c%3Dd"]');
});

test("a redirect is an answer and is not followed", async () => {
  hits = [];
  assert.equal(summary(await outbound().get(url("/redirect"))), "302 moved");
  assert.deepEqual(hits, ["/redirect"]);
});

test("a body larger than allowed is given up on, announced or not", async () => {
  assert.equal(summary(await outbound().get(url("/huge-announced"))), "too_large");
  assert.equal(summary(await outbound().get(url("/huge"), { maxBytes: 100_000 })), "too_large");
  assert.equal(summary(await outbound().get(url("/ok"), { maxBytes: 4 })), "too_large");
  assert.equal(summary(await outbound().get(url("/ok"), { maxBytes: 5 })), "200 hello");
});

test("one deadline covers silence, a slow drip and a name server that does not answer", { timeout: 5000 }, async () => {
  assert.equal(summary(await outbound().get(url("/silent"), { timeout: 150 })), "timeout");
  assert.equal(summary(await outbound().get(url("/drip"), { timeout: 150 })), "timeout");
  assert.equal(summary(await outbound({ lookup: () => {} }).get(url("/ok", "slow.example"), { timeout: 150 })), "timeout");
});

test("what is no HTTP, is cut off, has too large headers or is not there is unreachable", async () => {
  for (const path of ["/broken", "/cut", "/huge-headers"]) assert.equal(summary(await outbound().get(url(path))), "unreachable", path);
  assert.equal(summary(await outbound().get("http://127.0.0.1:1/")), "unreachable");
});

for (const bad of [
  "",
  "nothing",
  "ftp://example.com/",
  "file:///etc/passwd",
  "data:,x",
  "http://user:pw@example.com/",
  "https://user@example.com/",
  `https://example.com/${"x".repeat(3000)}`,
])
  test(`'${bad.slice(0, 40)}' is no URL to go to`, async () => assert.equal(summary(await outbound().get(bad)), "bad_url"));

test("http is refused unless allowed", async () => {
  hits = [];
  assert.equal(summary(await outbound({ allowHttp: false }).get(url("/ok"))), "bad_url");
  assert.deepEqual(hits, []);
});

for (const host of [
  "127.0.0.1",
  "localhost",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[::127.0.0.1]",
  "2130706433",
  "0x7f.1",
  "0177.0.0.1",
  "127.1",
  "0.0.0.0",
  "0",
  "10.0.0.1",
  "169.254.169.254",
  "[fd00::1]",
  "[fe80::1]",
])
  test(`an address that is not public is refused however it is written: ${host}`, async () => {
    hits = [];
    const outcome = await outbound({ allowLoopback: false }).get(url("/ok", host), { timeout: 2000 });
    assert.equal(summary(outcome), "refused_address");
    assert.deepEqual(hits, []);
  });

test("in development loopback may be connected to and other addresses may not", async () => {
  assert.equal(summary(await outbound({ lookup: names(["127.0.0.1"]) }).get(url("/ok", "rp.example"))), "200 hello");
  for (const host of ["10.0.0.1", "169.254.169.254", "0.0.0.0", "[::ffff:127.0.0.1]"])
    assert.equal(summary(await outbound().get(url("/ok", host), { timeout: 2000 })), "refused_address", host);
});

test("a name is refused by what it resolves to, and resolved once: what was checked is what is connected to", async () => {
  hits = [];
  const rebinding = names(["203.0.113.1"], ["127.0.0.1"]);
  assert.equal(summary(await outbound({ allowLoopback: false, lookup: rebinding }).get(url("/ok", "rebind.example"))), "refused_address");
  assert.equal(rebinding.asked, 1);
  const both = names(["10.0.0.1", "127.0.0.1"], ["10.0.0.1"]);
  assert.equal(summary(await outbound({ lookup: both }).get(url("/ok", "both.example"))), "200 hello", "the address that is allowed is taken");
  assert.equal(both.asked, 1);
  assert.deepEqual(hits, ["/ok"]);
});

test("a connection is not kept: each request is checked by itself", async () => {
  const one = outbound({ allowLoopback: false, allow: ["127.0.0.1"], lookup: names(["127.0.0.1"], ["10.0.0.1"]) });
  assert.equal(summary(await one.get(url("/ok", "moves.example"))), "200 hello");
  assert.equal(summary(await one.get(url("/ok", "moves.example"))), "refused_address");
});

test("the operator may allow hosts, addresses and networks", async () => {
  const lookup = names(["127.0.0.1"]);
  for (const allow of ["127.0.0.1", "127.0.0.0/8", "rp.internal", "RP.internal."])
    assert.equal(summary(await outbound({ allowLoopback: false, allow: [allow], lookup }).get(url("/ok", "rp.internal"))), "200 hello", allow);
  for (const allow of ["127.0.0.2", "10.0.0.0/8", "internal", "other.internal"])
    assert.equal(summary(await outbound({ allowLoopback: false, allow: [allow], lookup }).get(url("/ok", "rp.internal"))), "refused_address", allow);
  for (const allow of ["10.0.0.0/33", "https://rp.internal", "rp.internal:443", "", "300.1.1.1", "*"]) assert.throws(() => outbound({ allow: [allow] }), /outbound\.allow/, allow);
});

test("slow hosts hold a bounded number of requests, and others are told so at once", { timeout: 10_000 }, async () => {
  const one = outbound({ lookup: names(["127.0.0.1"]) });
  const at = (host: number, path: string): string => `http://slow${host}.example:${port}${path}`;
  const slow = Array.from({ length: 256 }, (_, i) => one.get(at(i % 8, "/silent"), { timeout: 500 }));
  assert.equal(summary(await one.get(url("/ok"))), "too_many");
  assert.deepEqual(new Set((await Promise.all(slow)).map(summary)), new Set(["timeout"]));
  assert.equal(summary(await one.get(url("/ok"))), "200 hello");
});

test("one slow host, whoever asks it, leaves room for the requests to others", { timeout: 10_000 }, async () => {
  const one = outbound({ lookup: names(["127.0.0.1"]) });
  const slow = Array.from({ length: 200 }, () => one.get(`http://slow.example:${port}/silent`, { timeout: 500 }));
  assert.equal(summary(await one.get(url("/ok"))), "200 hello");
  const summaries = (await Promise.all(slow)).map(summary);
  assert.equal(summaries.filter((each) => each === "timeout").length, 32);
  assert.equal(summaries.filter((each) => each === "too_many").length, 168);
  assert.equal(summary(await one.get(`http://slow.example:${port}/ok`)), "200 hello");
});
