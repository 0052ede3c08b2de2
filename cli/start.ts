import { readFileSync } from "node:fs";
import type { RunningLoginApp } from "#apps/login/start.ts";
import { type Core, composeCore } from "#core/compose.ts";
import { startRpcServer } from "#core/server.ts";
import { startGateway } from "#gateway/server.ts";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { createDirectTransport } from "#lib/rpc/direct.ts";
import type { NetworkTransport } from "#lib/rpc/network.ts";
import { writClientOver } from "#sdk/index.ts";
import { CliError } from "./cli-error.ts";
import { type Part, roleOf } from "./part.ts";
import { version } from "./version.ts";

/** A process that serves. */
export interface Running {
  /** Where its ports are, with the numbers that they got. */
  readonly urls: { readonly public?: string; readonly admin?: string; readonly rpc?: string; readonly demo?: string };
  /** From now on it says that it is not ready. */
  drain(): void;
  /** Stops listening, lets requests under way end within `serve.shutdown_grace`, then lets go of the database. */
  close(): Promise<void>;
}

/** Where `serve core` listens unless it is told otherwise. */
const DEFAULT_CORE = "http://127.0.0.1:4440";

/** What was opened: ports end together, and before what their requests need. */
interface Opened {
  readonly ports: { close(graceMillis: number): Promise<void> }[];
  readonly below: { close(): Promise<void> | void }[];
}

/** Starts what a part is made of. @throws Error with one line for the operator; nothing stays open then */
export async function start(config: Config, part: Part, log: Log): Promise<Running> {
  const role = roleOf(part, config);
  const opened: Opened = { ports: [], below: [] };
  try {
    const core = role.core ? await composeCore(config, { log, version }) : undefined;
    if (core !== undefined) opened.below.push(core);
    const rpc = core !== undefined && role.rpc ? await startRpcServer({ config, dispatcher: core.dispatcher, log }) : undefined;
    if (rpc !== undefined) opened.ports.push(rpc);
    const gateway = role.public || role.admin ? await startGateway({ config, listen: role, ...(await transports(core, config, opened)), log, random: pooledRandom() }) : undefined;
    if (gateway !== undefined) opened.ports.push(gateway);
    const demo = role.demo ? await startDemo(config, core, opened, log) : undefined;
    if (demo !== undefined) opened.ports.push(demo);
    return {
      urls: {
        ...(gateway?.publicUrl === undefined ? {} : { public: gateway.publicUrl }),
        ...(gateway?.adminUrl === undefined ? {} : { admin: gateway.adminUrl }),
        ...(rpc === undefined ? {} : { rpc: rpc.url }),
        ...(demo === undefined ? {} : { demo: demo.url }),
      },
      drain: () => gateway?.drain(),
      close: () => close(opened, config.serve.shutdown_grace),
    };
  } catch (error) {
    await close(opened, 0);
    throw error;
  }
}

/** The demo app is the one that documentation tells users to write: it knows Writ through the SDK, in this process or elsewhere. */
async function startDemo(config: Config, core: Core | undefined, opened: Opened, log: Log): Promise<RunningLoginApp> {
  const { url = DEFAULT_CORE } = config.core;
  const transport = core === undefined ? await networkTransport({ ...config, core: { ...config.core, url } }, opened, config.core.token) : createDirectTransport(core.dispatcher);
  const { startLoginApp } = await import("#apps/login/start.ts"); // hardly anybody runs it, and it takes memory
  const app = await startLoginApp({ writ: writClientOver(transport), ...config.serve.demo, onError: (cause) => log.error("internal_error", { cause }) });
  log.info("server_listening", { listener: "demo", url: app.url });
  return app;
}

/** An administrator acts in his own name, not with the gateway's rights, unless something in front of the port has asked who he is. */
async function transports(core: Core | undefined, config: Config, opened: Opened) {
  const transport = core === undefined ? await networkTransport(config, opened, config.core.token) : createDirectTransport(core.dispatcher);
  return { transport, adminTransport: core === undefined && !config.serve.admin.open ? await networkTransport(config, opened, undefined) : transport };
}

async function networkTransport({ core: { url = "", ...files } }: Config, { below }: Opened, token: string | undefined): Promise<NetworkTransport> {
  const { createNetworkTransport } = await import("#lib/rpc/network.ts"); // not where core is in this process
  const pem = (name: "ca" | "cert" | "key"): Partial<Record<typeof name, string>> => {
    const file = files[name];
    return file === undefined ? {} : { [name]: readPem(name, file) };
  };
  const transport = createNetworkTransport({ baseUrl: url, ...(token === undefined ? {} : { token }), ...pem("ca"), ...pem("cert"), ...pem("key") });
  below.push(transport);
  return transport;
}

function readPem(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError(`core.${name}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

async function close({ ports, below }: Opened, graceMillis: number): Promise<void> {
  await Promise.all(ports.map((port) => port.close(graceMillis)));
  for (const each of below.toReversed()) await each.close();
}
