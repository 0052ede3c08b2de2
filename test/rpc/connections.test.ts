import assert from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import { after, before, describe, test } from "node:test";
import { Code, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { dial, failure, type Rpc, received, startRpc, until } from "./rpc-harness.ts";

const VERSION = "/writ.admin.v1.MetadataService/GetVersion";
const REQUEST = `POST ${VERSION} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n`;
const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

async function stillServes({ server }: Rpc): Promise<void> {
  const transport = createNetworkTransport({ baseUrl: server.url });
  assert.equal((await createClient(MetadataService, transport).getVersion({})).version, "1.2.3");
  transport.close();
}

describe("RFC 9113 §3.3: one port tells HTTP/1.1 from HTTP/2 by its first bytes", () => {
  let rpc: Rpc;
  before(async () => {
    rpc = await startRpc({ patience: { headers: 500, request: 1000 } });
  });
  after(() => rpc.server.close(200));

  test("a request that arrives byte by byte is served", async () => {
    const socket = await dial(rpc.server.url);
    socket.setNoDelay(true);
    const answer = received(socket);
    for (const byte of `${REQUEST}Connection: close\r\n\r\n{}`) {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.match(await answer, /^HTTP\/1\.1 200 OK.*"version":"1\.2\.3"/s);
  });

  test("requests that arrive in one piece are answered in order", async () => {
    const socket = await dial(rpc.server.url);
    const answer = received(socket);
    socket.write(`${REQUEST}\r\n{}${REQUEST}\r\n{]${REQUEST}Connection: close\r\n\r\n{}`);
    assert.deepEqual(
      [...(await answer).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ["200", "400", "200"],
    );
  });

  test("a preface in two halves is HTTP/2, and what begins like one and is none is refused", async () => {
    const socket = await dial(rpc.server.url);
    socket.write(PREFACE.slice(0, 9));
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.write(PREFACE.slice(9));
    socket.write(SETTINGS);
    const [frame] = (await once(socket, "data")) as [Buffer];
    assert.equal(frame[3], 4, "the server's SETTINGS");
    socket.destroy();

    for (const other of ["PRI * HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "PUT\r\n\r\n", "\u0016\u0003\u0001\u0000", "\0\0\0\0", "\r\n\r\nHELLO"]) {
      const stranger = await dial(rpc.server.url);
      const answer = received(stranger);
      stranger.write(other, "latin1");
      assert.doesNotMatch(await answer, /^HTTP\/1\.1 (2|5)/, JSON.stringify(other));
    }
    await stillServes(rpc);
  });

  test("who hangs up before, within or right after the preface is forgotten", async () => {
    for (const bytes of ["", "PRI", PREFACE, `${PREFACE}${SETTINGS.toString("latin1")}`]) {
      const socket = await dial(rpc.server.url);
      const end = received(socket);
      socket.end(bytes, "latin1");
      await end;
      const cut = await dial(rpc.server.url);
      cut.write(bytes, "latin1");
      cut.resetAndDestroy();
    }
    await stillServes(rpc);
  });

  test("heads that are too large, or are none, are refused", async () => {
    const large = await fetch(rpc.server.url + VERSION, { method: "POST", headers: { "content-type": "application/json", x: "a".repeat(20_000) }, body: "{}" });
    assert.equal(large.status, 431);
    const session = http2.connect(rpc.server.url).on("error", () => {});
    const stream = session.request({ ":method": "POST", ":path": VERSION, "content-type": "application/json", x: "a".repeat(70_000) });
    await assert.rejects(once(stream, "response"));
    const connect = session.request({ ":method": "CONNECT", ":authority": "example.com:443" }).on("error", () => {});
    await new Promise((resolve) => connect.on("close", resolve));
    session.destroy();
    await stillServes(rpc);
  });
});

describe("slow peers", () => {
  let rpc: Rpc;
  before(async () => {
    rpc = await startRpc({ patience: { headers: 150, request: 400 } });
  });
  after(() => rpc.server.close(200));

  test("who sends half a preface, half a head or half a body is cut off", { timeout: 10_000 }, async () => {
    await Promise.all(
      ["", "PRI * HT", "POST / HTTP/1.1\r\nHost:", `${REQUEST}\r\n{`].map(async (bytes) => {
        const socket = await dial(rpc.server.url);
        const answer = received(socket);
        socket.write(bytes);
        assert.match(await answer, /^(HTTP\/1\.1 408|$)/, bytes);
      }),
    );
  });

  test("over HTTP/2 a request without an end is cancelled, for lean calls and for others", { timeout: 10_000 }, async () => {
    const session = http2.connect(rpc.server.url).on("error", () => {});
    for (const type of ["application/json", "application/grpc"]) {
      const stream = session.request({ ":method": "POST", ":path": VERSION, "content-type": type, te: "trailers" }).on("error", () => {});
      stream.write("{");
      stream.resume();
      await once(stream, "close");
    }
    session.destroy();
    await stillServes(rpc);
  });
});

describe("closing", () => {
  const ways = {
    "the gateway's own": (baseUrl: string) => createNetworkTransport({ baseUrl }),
    "Connect, HTTP/2": (baseUrl: string) => createConnectTransport({ baseUrl, httpVersion: "2" }),
    gRPC: (baseUrl: string) => createGrpcTransport({ baseUrl }),
  };
  for (const [name, way] of Object.entries(ways))
    test(`${name}: a request under way is answered, a stream ends as unavailable, new connections are refused`, { timeout: 10_000 }, async () => {
      const rpc = await startRpc();
      const client = createClient(TokenService, way(rpc.server.url));
      const held = client.introspect({ token: "hold" });
      const stream = client.watchRevocations({})[Symbol.asyncIterator]();
      await stream.next();
      await until(() => rpc.contexts.length === 1, "the call has arrived");
      const ended = assert.rejects(stream.next(), { code: Code.Unavailable });
      const closed = rpc.server.close(5000);
      await ended;
      await assert.rejects(createClient(MetadataService, createNetworkTransport({ baseUrl: rpc.server.url })).getVersion({}), { code: Code.Unavailable });
      rpc.release();
      assert.equal((await held).introspection?.active, false);
      const at = performance.now();
      await closed;
      assert.ok(performance.now() - at < 2000, "idle connections do not hold it open");
    });

  test("what does not end is cut after the grace", { timeout: 10_000 }, async () => {
    const rpc = await startRpc();
    const calls = Object.values(ways).map((way) => failure(createClient(TokenService, way(rpc.server.url)).introspect({ token: "hold" })));
    await until(() => rpc.contexts.length === 3, "the calls have arrived");
    await rpc.server.close(100);
    for (const { code } of await Promise.all(calls)) assert.ok([Code.Unavailable, Code.Canceled, Code.Aborted].includes(code), Code[code]);
  });

  test("idle connections, silent ones and half a preface do not hold it open", { timeout: 10_000 }, async () => {
    const rpc = await startRpc();
    await stillServes(rpc);
    const session = http2.connect(rpc.server.url).on("error", () => {});
    await once(session, "remoteSettings");
    const kept = await dial(rpc.server.url);
    kept.write(`${REQUEST}\r\n{}`);
    await once(kept, "data");
    const at = performance.now();
    await rpc.server.close(5000);
    assert.ok(performance.now() - at < 2000);

    const other = await startRpc();
    const silent = await Promise.all([dial(other.server.url), dial(other.server.url)]);
    silent[1]?.write("PRI");
    const then = performance.now();
    await other.server.close(300);
    assert.ok(performance.now() - then < 1500);
  });
});
