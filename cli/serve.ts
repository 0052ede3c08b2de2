import { readFileSync } from "node:fs";
import { type AddressChecks, requireClosedAddresses } from "#core/access.ts";
import { type Core, composeCore } from "#core/compose.ts";
import { startRpcServer } from "#core/server.ts";
import { startGateway } from "#gateway/server.ts";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { createDirectTransport } from "#lib/rpc/direct.ts";
import { createNetworkTransport } from "#lib/rpc/network.ts";
import { banner } from "./banner.ts";
import { developmentDefaults } from "./development.ts";
import { loadConfig } from "./load-config.ts";
import { makeLog } from "./log.ts";
import { version } from "./version.ts";

/** What one process serves. */
export type Part = "all" | "core" | "gateway" | "public" | "admin";

/** Flags of `writ serve`. */
export interface ServeFlags {
  readonly config?: readonly string[];
  readonly dev?: boolean;
}

interface Closable {
  close(): Promise<void> | void;
}

/** Runs a server until it is asked to stop. @throws Error with one line for the operator when it may not or cannot start */
export async function serve(part: Part, flags: ServeFlags): Promise<void> {
  const config = readConfig(flags);
  requireProductionSettings(config, part);
  const log = makeLog(config.log);
  const running = await start(config, part, log);
  if (config.dev) process.stdout.write(banner(config, part, running.urls));
  stopOnSignal(running, config, log);
}

function readConfig({ config: files = [], dev }: ServeFlags): Config {
  const config = loadConfig({ files, env: process.env, flags: { dev } });
  return config.dev ? loadConfig({ files, env: process.env, flags: { dev, ...developmentDefaults(config) } }) : config;
}

/** What is fine on a laptop and not in production. Addresses are checked always. */
function requireProductionSettings(config: Config, part: Part): void {
  const listeners: AddressChecks = part === "all" ? ["admin", "rpc"] : part === "core" ? ["rpc"] : part === "public" ? [] : ["admin"];
  requireClosedAddresses(config, listeners);
  const hasCore = part === "all" || part === "core" || config.core.url === undefined;
  if (part === "gateway" && config.core.url === undefined) throw new Error("core.url is not set: say where core is, such as CORE_URL=http://127.0.0.1:4440, or use 'serve all'");
  if (part !== "all" && hasCore && config.dsn === "memory") throw new Error("dsn is memory, which other processes cannot share: use 'serve all', or another dsn");
  if (config.dev) return;
  const issuer = config.urls.self.issuer;
  if (issuer === undefined) throw new Error("urls.self.issuer is not set: give the https URL that clients know the server by, such as URLS_SELF_ISSUER=https://auth.example.com");
  if (!issuer.startsWith("https://")) throw new Error(`urls.self.issuer is ${issuer} and must begin with https:// (only --dev allows http)`);
  if (/[?#]/.test(issuer)) throw new Error("urls.self.issuer has a query or fragment, which an issuer may not have (RFC 8414 §2)");
}

interface Running extends Closable {
  readonly urls: { readonly public?: string; readonly admin?: string; readonly rpc?: string };
  drain(): void;
}

async function start(config: Config, part: Part, log: Log): Promise<Running> {
  const closables: Closable[] = [];
  const grace = config.serve.shutdown_grace;
  try {
    let core: Core | undefined;
    if (part === "all" || part === "core" || config.core.url === undefined) {
      core = await composeCore(config, { log, version });
      closables.push(core);
    }
    const rpc = core !== undefined && (part === "all" || part === "core") ? await startRpcServer({ config, dispatcher: core.dispatcher, log }) : undefined;
    if (rpc !== undefined) closables.push({ close: () => rpc.close(grace) });
    if (part === "core") return { urls: { ...(rpc === undefined ? {} : { rpc: rpc.url }) }, drain() {}, close: () => closeAll(closables) };
    const transport = core === undefined ? networkTransport(config, closables, config.core.token) : createDirectTransport(core.dispatcher);
    // An administrator acts in his own name, unless something in front of the port has asked him who he is.
    const adminTransport = core === undefined && !config.serve.admin.open ? networkTransport(config, closables, undefined) : transport;
    const gateway = await startGateway({ config, listen: { public: part !== "admin", admin: part !== "public" }, transport, adminTransport, log, random: pooledRandom() });
    closables.push({ close: () => gateway.close(grace) });
    return {
      urls: {
        ...(gateway.publicUrl === undefined ? {} : { public: gateway.publicUrl }),
        ...(gateway.adminUrl === undefined ? {} : { admin: gateway.adminUrl }),
        ...(rpc === undefined ? {} : { rpc: rpc.url }),
      },
      drain: () => gateway.drain(),
      close: () => closeAll(closables),
    };
  } catch (error) {
    await closeAll(closables);
    throw error;
  }
}

function networkTransport({ core }: Config, closables: Closable[], token: string | undefined) {
  const pem = (name: "ca" | "cert" | "key") => {
    const path = core[name];
    return path === undefined ? {} : { [name]: readFileSync(path, "utf8") };
  };
  const transport = createNetworkTransport({ baseUrl: core.url ?? "", ...(token === undefined ? {} : { token }), ...pem("ca"), ...pem("cert"), ...pem("key") });
  closables.push(transport);
  return transport;
}

/** The last that was opened closes first: requests end before what they need. */
async function closeAll(closables: readonly Closable[]): Promise<void> {
  for (const each of closables.toReversed()) await each.close();
}

/** The first signal lets requests under way end; the second ends the process at once. */
function stopOnSignal(running: Running, { serve: { shutdown_grace: grace } }: Config, log: Log): void {
  let stopping = false;
  const stop = (reason: string, exitCode: number): void => {
    if (stopping) process.exit(1);
    stopping = true;
    running.drain();
    log.info("server_stopping", { reason });
    // Whatever hangs, the process does not.
    setTimeout(() => process.exit(1), grace + 5000).unref();
    Promise.resolve(running.close()).then(
      () => {
        log.info("server_stopped");
        process.exit(exitCode);
      },
      (cause: unknown) => {
        log.error("internal_error", { cause });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", () => stop("SIGTERM", 0));
  process.on("SIGINT", () => stop("SIGINT", 0));
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (cause: unknown) => {
      log.error("internal_error", { cause });
      stop(event, 1);
    });
}
