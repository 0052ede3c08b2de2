import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import { type Core, composeCore } from "#core/compose.ts";
import { startRpcServer } from "#core/server.ts";
import type { OnStatement } from "#core/store/driver.ts";
import { startGateway } from "#gateway/server.ts";
import { type Config, type ConfigInput, configSchema } from "#lib/config.ts";
import { type Log, silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { createDirectTransport } from "#lib/rpc/direct.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import type { Clock } from "#lib/time.ts";
import { freshMysqlDsn, hasMariadb } from "./mariadb.ts";
import { freePort } from "./port.ts";

/** How the processes of a server stand to each other. */
export type Arrangement = "direct" | "apart" | "mariadb";

/** One that went to the database. */
export type Statement = Parameters<OnStatement>[0];

/** A running server as its users see it. With several gateways the URLs take turns. */
export interface Writ {
  readonly publicUrl: string;
  readonly adminUrl: string;
  readonly rpcUrl: string;
  readonly cores: readonly Core[];
  /** Its database. */
  readonly dsn: string;
  /** Statements since the last call of `resetStatements`. */
  readonly statements: readonly Statement[];
  resetStatements(): void;
  close(): Promise<void>;
}

/** What a test may choose. */
export interface WritOptions {
  readonly config?: ConfigInput;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** Which arrangements a run covers: the embedded ones always, MariaDB where it is there. */
export const ARRANGEMENTS: readonly Arrangement[] = hasMariadb() ? ["direct", "apart", "mariadb"] : ["direct", "apart"];

/** Registers the same cases for every arrangement, each with one server of its own. */
export function describeWrit(title: string, options: WritOptions, body: (writ: () => Writ) => void, arrangements = ARRANGEMENTS): void {
  for (const arrangement of arrangements) {
    describe(`${title} [${arrangement}]`, () => {
      let writ: Writ | undefined;
      before(async () => {
        writ = await startWrit(arrangement, options);
      });
      after(() => writ?.close());
      body(() => {
        if (writ === undefined) throw new Error("the server is not running");
        return writ;
      });
    });
  }
}

/** Starts a server: in one process part over SQLite in memory; apart over an SQLite file and the network; or two of each over MariaDB. */
export async function startWrit(arrangement: Arrangement, options: WritOptions = {}): Promise<Writ> {
  const folder = await mkdtemp(join(tmpdir(), "writ-"));
  const dsn = arrangement === "direct" ? "memory" : arrangement === "apart" ? `sqlite://${join(folder, "writ.sqlite")}` : await freshMysqlDsn();
  const statements: Statement[] = [];
  const nodes: Awaited<ReturnType<typeof startNode>>[] = [];
  for (let i = 0; i < (arrangement === "mariadb" ? 2 : 1); i++)
    nodes.push(await startNode(arrangement === "direct" ? "direct" : "network", testConfig(dsn, options.config), options, (statement) => statements.push(statement)));
  let turn = 0;
  const next = () => nodes[turn++ % nodes.length] ?? raise();
  return {
    get publicUrl() {
      return next().publicUrl;
    },
    get adminUrl() {
      return next().adminUrl;
    },
    get rpcUrl() {
      return next().rpcUrl;
    },
    cores: nodes.map(({ core }) => core),
    dsn,
    statements,
    resetStatements: () => void statements.splice(0),
    async close() {
      await Promise.all(nodes.map(({ close }) => close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a server whose issuer is where it listens, for clients that go by that. */
export async function startAtIssuer(arrangement: Arrangement, config: ConfigInput = {}): Promise<{ readonly writ: Writ; readonly issuer: URL }> {
  const port = await freePort();
  const issuer = new URL(`http://127.0.0.1:${port}`);
  return { issuer, writ: await startWrit(arrangement, { config: { ...config, urls: { self: { issuer: issuer.href } }, serve: { public: { port } } } }) };
}

/** A configuration for tests: every port free, development mode, one secret. */
export function testConfig(dsn: string, input: ConfigInput = {}): Config {
  const { serve, urls, ...rest } = input;
  return configSchema.parse({
    dsn,
    dev: true,
    secrets: { system: ["a system secret for tests"] },
    urls: { self: { issuer: "http://127.0.0.1:4444" }, ...urls },
    serve: {
      ...serve,
      public: { host: "127.0.0.1", port: 0, ...serve?.public },
      admin: { host: "127.0.0.1", port: 0, ...serve?.admin },
      rpc: { host: "127.0.0.1", port: 0, ...serve?.rpc },
    },
    ...rest,
  } satisfies ConfigInput);
}

/** Starts one process of a server by a configuration that a test has made: gateway and core in it, joined as `link` says. */
export async function startNode(link: "direct" | "network", config: Config, { clock, log = silentLog }: WritOptions = {}, onStatement: OnStatement = () => {}) {
  const core = await composeCore(config, { log, version: "0.0.0-test", onStatement, ...(clock === undefined ? {} : { clock }) });
  const rpc = await startRpcServer({ config, dispatcher: core.dispatcher, log });
  const network = link === "network" ? createNetworkTransport({ baseUrl: rpc.url }) : undefined;
  const gateway = await startGateway({ config, listen: { public: true, admin: true }, transport: network ?? createDirectTransport(core.dispatcher), log, random: pooledRandom() });
  return {
    core,
    rpcUrl: rpc.url,
    publicUrl: gateway.publicUrl ?? raise(),
    adminUrl: gateway.adminUrl ?? raise(),
    async close() {
      await gateway.close(1000);
      network?.close();
      await rpc.close(1000);
      await core.close();
    },
  };
}

function raise(): never {
  throw new Error("not listening");
}
