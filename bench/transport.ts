// Ways from gateway to core: client and server CPU for each call, and the rate. Run: node bench/transport.ts
// The server is a process of its own on core 0, the client belongs on core 1; rounds are interleaved, medians shown.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { makeAccessTable } from "#core/access.ts";
import { makeDispatcher } from "#core/dispatch.ts";
import { startRpcServer } from "#core/server.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { configSchema } from "#lib/config.ts";
import { silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { register } from "#lib/rpc/call.ts";
import { createDirectTransport } from "#lib/rpc/direct.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { systemClock } from "#lib/time.ts";

const ROUNDS = 5;
const MILLISECONDS = 1500;
const IN_FLIGHT = 32;
const TICK_MICROS = 10_000;

const REQUEST = {
  grantType: "client_credentials",
  scope: "read write",
  clientAuthentication: { authorization: `Basic ${"a".repeat(80)}` },
  context: { method: "POST", url: "/oauth2/token", peerAddress: "127.0.0.1" },
};
const ANSWER = { accessToken: `writ_at_${"a".repeat(150)}`, tokenType: "Bearer", expiresIn: 3600, scope: "read write" };

function makeTestDispatcher() {
  const config = configSchema.parse({ serve: { rpc: { port: 0 } } });
  const nothing = () => ({});
  const handlers = {
    exchangeToken: () => ANSWER,
    authorize: nothing,
    authorizeDevice: nothing,
    verifyDevice: nothing,
    getUserinfo: nothing,
    endSession: nothing,
    getCheckSession: nothing,
    introspectToken: nothing,
    revokeToken: nothing,
    checkOrigin: nothing,
    registerClient: nothing,
    getRegisteredClient: nothing,
    updateRegisteredClient: nothing,
    deleteRegisteredClient: nothing,
    getMetadata: nothing,
    getJwks: nothing,
  };
  return {
    config,
    dispatcher: makeDispatcher({
      registrations: [register(OAuthService, handlers)] as never,
      access: makeAccessTable(config),
      clock: systemClock,
      random: pooledRandom(),
      log: silentLog,
    }),
  };
}

async function runServer(): Promise<void> {
  const { config, dispatcher } = makeTestDispatcher();
  const { url } = await startRpcServer({ config, dispatcher, log: silentLog });
  process.stdout.write(`${url}\n`);
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(" ");
  return Number(fields[13]) + Number(fields[14]);
}

interface Round {
  readonly rate: number;
  readonly client: number;
  readonly server: number;
}

async function round(transport: Transport, server: number | undefined): Promise<Round> {
  const oauth = createClient(OAuthService, transport);
  const at = performance.now();
  const own = process.cpuUsage();
  const ticks = server === undefined ? 0 : cpuTicks(server);
  let calls = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < at + MILLISECONDS) {
      await oauth.exchangeToken(REQUEST);
      calls++;
      if (calls % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  const used = process.cpuUsage(own);
  return {
    rate: (calls / (performance.now() - at)) * 1000,
    client: (used.user + used.system) / calls,
    server: server === undefined ? 0 : ((cpuTicks(server) - ticks) * TICK_MICROS) / calls,
  };
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

async function main(): Promise<void> {
  const child: ChildProcess = spawn("taskset", ["-c", "0", process.execPath, new URL(import.meta.url).pathname, "server"], { stdio: ["ignore", "pipe", "inherit"] });
  const baseUrl = await new Promise<string>((resolve) => child.stdout?.once("data", (line: Buffer) => resolve(line.toString().trim())));
  const transports: Readonly<Record<string, Transport>> = {
    "direct, in process": createDirectTransport(makeTestDispatcher().dispatcher),
    "lean, HTTP/1.1": createNetworkTransport({ baseUrl }),
    "Connect, HTTP/1.1": createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
    "Connect, HTTP/2": createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
    "gRPC, HTTP/2": createGrpcTransport({ baseUrl }),
  };
  const results = new Map<string, Round[]>();
  for (let i = -1; i < ROUNDS; i++)
    for (const [name, transport] of Object.entries(transports)) {
      const result = await round(transport, name.startsWith("direct") ? undefined : child.pid);
      if (i >= 0) results.set(name, [...(results.get(name) ?? []), result]); // the first round warms up
    }
  process.stdout.write("| way | calls/s | client µs | server µs |\n|---|---|---|---|\n");
  for (const [name, rounds] of results)
    process.stdout.write(
      `| ${name} | ${median(rounds.map(({ rate }) => rate)).toFixed(0)} | ${median(rounds.map(({ client }) => client)).toFixed(1)} | ${median(rounds.map(({ server }) => server)).toFixed(0)} |\n`,
    );
  child.kill();
  process.exit(0);
}

if (process.argv[2] === "server") await runServer();
else await main();
