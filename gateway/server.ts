import type { IncomingMessage, ServerResponse } from "node:http";
import type { Transport } from "@connectrpc/connect";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import type { Random } from "#lib/random.ts";
import { adminPort } from "./admin-port.ts";
import { type Exchange, type Handler, sendJson } from "./http/exchange.ts";
import { type Listener, listen } from "./http/listener.ts";
import { type Metrics, makeMetrics } from "./http/metrics.ts";
import { makeProxies, type Proxies } from "./http/proxies.ts";
import { publicPort } from "./public-port.ts";

/** What a gateway is made of. It keeps no state of its own. */
export interface GatewayOptions {
  readonly config: Config;
  /** Which ports it serves. */
  readonly listen: { readonly public: boolean; readonly admin: boolean };
  /** The way to core: in the same process or over the network. */
  readonly transport: Transport;
  /**
   * The same for the admin port, where calls are made in the caller's name: it must not add the gateway's own credentials,
   * or whoever brings none would act with the gateway's rights. Absent: `transport` adds none.
   */
  readonly adminTransport?: Transport;
  readonly log: Log;
  readonly random: Random;
}

/** A running gateway. */
export interface Gateway {
  /** Where it listens, with the ports that it got. */
  readonly publicUrl: string | undefined;
  readonly adminUrl: string | undefined;
  /** From now on it says that it is not ready, so that traffic goes elsewhere before it closes. */
  drain(): void;
  /** Stops listening, lets requests under way end for at most so many milliseconds, then cuts them. */
  close(graceMillis: number): Promise<void>;
}

/** What one port serves. */
export interface Port {
  readonly name: "public" | "admin";
  readonly serve: Handler;
  /** Answers a request whose handler threw. */
  renderError(exchange: Exchange, error: unknown): void;
}

/** Serves the standard HTTP endpoints and the admin REST API over a core. @throws Error with one line for the operator when it cannot */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, listen: which, log } = options;
  let stopping = false;
  const isStopping = (): boolean => stopping;
  const metrics = makeMetrics();
  const open = (port: Port): Promise<Listener> => listen(port.name, config.serve[port.name], log, onRequest(port, options, metrics));
  const listeners: { public?: Listener; admin?: Listener } = {};
  const closeAll = async (graceMillis: number): Promise<void> => {
    await Promise.all([listeners.public?.close(graceMillis), listeners.admin?.close(graceMillis)]);
  };
  try {
    if (which.public) listeners.public = await open(publicPort(options, isStopping));
    if (which.admin) listeners.admin = await open(adminPort(options, isStopping, metrics));
  } catch (error) {
    await closeAll(0);
    throw error;
  }
  return {
    publicUrl: listeners.public?.url,
    adminUrl: listeners.admin?.url,
    drain() {
      stopping = true;
    },
    close(graceMillis) {
      stopping = true;
      return closeAll(graceMillis);
    },
  };
}

/** Status in the log of a request whose sender left before it was answered. */
const GONE = 499;

function onRequest({ name, serve, renderError }: Port, { log, random, config }: GatewayOptions, metrics: Metrics): (request: IncomingMessage, response: ServerResponse) => void {
  const { [name]: port } = config.serve;
  const proxies = makeProxies(name, port);
  const isQuiet = port.request_log.disable_for_health ? (route: string): boolean => /^(\/admin)?\/health\//.test(route) : () => false;
  return (request, response) => {
    const startedAt = performance.now();
    const exchange = makeExchange(request, response, proxies, random);
    const finish = (): void => {
      const status = response.headersSent ? response.statusCode : GONE;
      const elapsed = performance.now() - startedAt;
      metrics.observe({
        method: request.method ?? "GET",
        endpoint: exchange.route,
        status,
        milliseconds: elapsed,
        requestBytes: Number(request.headers["content-length"] ?? 0),
        responseBytes: exchange.sentBytes,
      });
      if (isQuiet(exchange.route)) return;
      log.info("request", {
        listener: name,
        method: request.method,
        route: exchange.route,
        status,
        milliseconds: Math.round(elapsed * 100) / 100,
        request_id: exchange.requestId,
      });
    };
    const fail = (cause: unknown): void => {
      try {
        renderError(exchange, cause);
        if (response.statusCode >= 500) log.error("request_failed", { listener: name, route: exchange.route, status: response.statusCode, request_id: exchange.requestId, cause });
      } catch (broken) {
        log.error("internal_error", { listener: name, route: exchange.route, request_id: exchange.requestId, cause: broken });
        response.destroy();
      }
      finish();
    };
    const refused = proxies.refusal(request, exchange.path);
    if (refused !== undefined) {
      sendJson(exchange, 502, { error: "request_refused", error_description: refused }, { "cache-control": "no-store" }); // as Hydra
      return finish();
    }
    try {
      const served = serve(exchange);
      if (served === undefined) finish();
      else served.then(finish, fail);
    } catch (cause) {
      fail(cause);
    }
  };
}

const REQUEST_ID = /^[\w.-]{1,128}$/;

function makeExchange(request: IncomingMessage, response: ServerResponse, proxies: Proxies, random: Random): Exchange {
  const url = toOriginForm(request.url ?? "/");
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  const given = request.headers["x-request-id"];
  const requestId = typeof given === "string" && REQUEST_ID.test(given) ? given : Buffer.from(random(12)).toString("base64url");
  return {
    request,
    response,
    path: path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path,
    query: mark === -1 ? "" : url.slice(mark + 1),
    peerAddress: proxies.peerAddress(request),
    requestId,
    headers: { "x-request-id": requestId },
    route: "(none)",
    sentBytes: 0,
  };
}

/** A request target may be a whole URL. @see RFC 9112 §3.2.2 */
function toOriginForm(target: string): string {
  if (target.startsWith("/")) return target;
  const [, rest] = /^https?:\/\/[^/?#]*(.*)$/i.exec(target) ?? [];
  return rest === undefined ? target : rest.startsWith("/") ? rest : `/${rest}`;
}
