import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { ConnectError } from "@connectrpc/connect";
import { makeAccessTable } from "#core/access.ts";
import { makeDispatcher } from "#core/dispatch.ts";
import { healthRegistration } from "#core/health.ts";
import { type RpcServer, type RpcServerOptions, startRpcServer } from "#core/server.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import { type ConfigInput, configSchema } from "#lib/config.ts";
import { OAuthError } from "#lib/errors.ts";
import type { Log, LogEvent, LogFields } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { type CallContext, type Dispatcher, register } from "#lib/rpc/call.ts";
import { systemClock } from "#lib/time.ts";

/** A running RPC port with services whose answers are known: what is tested with it is how a call travels. */
export interface Rpc {
  readonly server: RpcServer;
  readonly dispatcher: Dispatcher;
  readonly lines: readonly { readonly level: keyof Log; readonly event: LogEvent; readonly fields: LogFields }[];
  /** Contexts of the calls that reached a handler, oldest first. */
  readonly contexts: readonly CallContext[];
  /** Calls that a handler of the token "hold" holds: resolves them. */
  release(): void;
  /** Calls whose signal has fired while a handler waited for it. */
  readonly hungUp: { count: number };
}

/** What a test may choose. */
export interface RpcInput {
  readonly config?: ConfigInput;
  readonly patience?: RpcServerOptions["patience"];
}

/** Starts one on a free port of the loopback address. */
export async function startRpc({ config: input = {}, patience }: RpcInput = {}): Promise<Rpc> {
  const config = configSchema.parse({ ...input, serve: { ...input.serve, rpc: { port: 0, ...input.serve?.rpc } } });
  const lines: { level: keyof Log; event: LogEvent; fields: LogFields }[] = [];
  const line =
    (level: keyof Log) =>
    (event: LogEvent, fields: LogFields = {}): void =>
      void lines.push({ level, event, fields });
  const log: Log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  const contexts: CallContext[] = [];
  const held: (() => void)[] = [];
  const hungUp = { count: 0 };
  const untilAborted = async (signal: AbortSignal | undefined): Promise<void> => {
    if (signal?.aborted !== true) await new Promise((resolve) => signal?.addEventListener("abort", resolve));
    hungUp.count++;
  };
  const services = [
    register(MetadataService, { getVersion: () => ({ version: "1.2.3" }) }),
    register(TokenService, {
      async introspect({ token }, context) {
        contexts.push(context);
        if (token === "hold") await new Promise<void>((resolve) => held.push(resolve));
        if (token === "wait") await untilAborted(context.signal);
        if (token === "unfit") return { revocationKeys: [{ epoch: -1 }] }; // no uint32
        return { introspection: { active: token === "good" } };
      },
      batchIntrospect: ({ tokens }) => ({ answers: tokens.map((token) => ({ introspection: { active: token === "good" } })) }),
      revoke({ token }, { signal }) {
        if (token === "bug") throw new TypeError("a secret detail");
        if (token === "client") throw new OAuthError("invalid_client", "who are you", { wwwAuthenticate: 'Basic realm="x"', cause: new Error("a secret cause") });
        if (token === "aborted") signal?.throwIfAborted();
        throw new OAuthError("temporarily_unavailable", "later", { cause: new Error("a secret cause") });
      },
      async *watchRevocations({ cursor }, { signal }) {
        yield { cursor: "1" };
        if (cursor === "end") return;
        if (cursor === "bug") throw new TypeError("a secret detail");
        if (cursor === "deaf") await new Promise(() => {});
        await untilAborted(signal);
      },
    }),
  ];
  const health = healthRegistration({ ready: async () => true, services: services.map(({ service }) => service) });
  const dispatcher = makeDispatcher({ registrations: [...services, health] as never, access: makeAccessTable(config), clock: systemClock, random: pooledRandom(), log });
  const server = await startRpcServer({ config, dispatcher, log, ...(patience === undefined ? {} : { patience }) });
  return { server, dispatcher, lines, contexts, hungUp, release: () => void held.splice(0).forEach((resolve) => resolve()) };
}

/** Waits until something holds, for at most five seconds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`not so after five seconds: ${what}`);
}

/** A bare connection to a server. */
export async function dial(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** All that a peer sends until it ends or cuts the connection. */
export async function received(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  if (!socket.closed) await once(socket, "close");
  return text;
}

/** What a call fails with. */
export async function failure(call: Promise<unknown>): Promise<ConnectError> {
  try {
    await call;
  } catch (error) {
    return ConnectError.from(error);
  }
  throw new Error("the call did not fail");
}
