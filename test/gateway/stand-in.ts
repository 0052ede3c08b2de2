import { after } from "node:test";
import { type ConnectRouter, createRouterTransport } from "@connectrpc/connect";
import { type Gateway, startGateway } from "#gateway/server.ts";
import { type ConfigInput, configSchema } from "#lib/config.ts";
import { type Log, type LogFields, silentLog } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";

/** A gateway that runs, and where. */
export interface RunningGateway extends Gateway {
  readonly publicUrl: string;
  readonly adminUrl: string;
  /** What it logged as `request`. */
  readonly requests: readonly LogFields[];
}

/** Starts a gateway whose core is the given services, over Connect's own transport; closed when the tests of the file have run. */
export async function gatewayOver(routes: (router: ConnectRouter) => void, config: ConfigInput = {}): Promise<RunningGateway> {
  const requests: LogFields[] = [];
  const log: Log = { ...silentLog, info: (event, fields = {}) => void (event === "request" && requests.push(fields)) };
  const { serve, ...rest } = config;
  const port = { host: "127.0.0.1", port: 0 };
  const checked = configSchema.parse({
    dev: true,
    urls: { self: { issuer: "http://127.0.0.1:4444" } },
    ...rest,
    serve: { ...serve, public: { ...port, ...serve?.public }, admin: { ...port, ...serve?.admin } },
  } satisfies ConfigInput);
  const gateway = await startGateway({ config: checked, listen: { public: true, admin: true }, transport: createRouterTransport(routes), log, random: pooledRandom() });
  after(() => gateway.close(100));
  const { publicUrl = "", adminUrl = "" } = gateway;
  return { ...gateway, publicUrl, adminUrl, requests };
}
