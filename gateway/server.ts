import type { IncomingMessage, ServerResponse } from "node:http";
import { createClient, type Transport } from "@connectrpc/connect";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import type { Random } from "#lib/random.ts";
import { makeAdminGuard } from "./admin-guard.ts";
import { configuredCors, isPreflight } from "./http/cors.ts";
import { type Exchange, NO_STORE, send, sendJson } from "./http/exchange.ts";
import { type Listener, listen } from "./http/listener.ts";
import { sendNotFound } from "./http/not-found.ts";
import { anyFailure } from "./http/oauth-error.ts";
import { alive, ready } from "./oauth/health.ts";
import { openApiDocument } from "./openapi/document.ts";
import { restFailure } from "./rest/error.ts";
import { makeRestRoutes } from "./rest/route.ts";
import { makeRestRouter } from "./rest/router.ts";
import { REST_SERVICES } from "./rest/services.ts";
import { publicRoutes, type Route } from "./routes.ts";

/** What a gateway is made of. It keeps no state of its own. */
export interface GatewayOptions {
  readonly config: Config;
  /** Which ports it serves. */
  readonly listen: { readonly public: boolean; readonly admin: boolean };
  /** The way to core: in the same process or over the network. */
  readonly transport: Transport;
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

/** Serves the standard HTTP endpoints and the admin REST API over a core. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, listen: which, log } = options;
  let stopping = false;
  const isStopping = (): boolean => stopping;
  const listeners: { public?: Listener; admin?: Listener } = {};
  if (which.public) listeners.public = await listen("public", config.serve.public, log, onRequest(options, "public", publicHandler(options, isStopping), renderPublic));
  if (which.admin) listeners.admin = await listen("admin", config.serve.admin, log, onRequest(options, "admin", adminHandler(options, isStopping), renderAdmin));
  return {
    publicUrl: listeners.public?.url,
    adminUrl: listeners.admin?.url,
    drain() {
      stopping = true;
    },
    async close(graceMillis) {
      stopping = true;
      await Promise.all([listeners.public?.close(graceMillis), listeners.admin?.close(graceMillis)]);
    },
  };
}

/** Answers a request; returns the pattern that it matched, for the log. */
type Serve = (exchange: Exchange) => Promise<string> | string;

function onRequest({ log, random }: GatewayOptions, listener: string, serve: Serve, render: (exchange: Exchange, error: unknown) => void): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const startedAt = performance.now();
    const exchange = makeExchange(request, response, random);
    const finish = (route: string): void => log.info("request", { listener, method: request.method, route, status: response.statusCode, milliseconds: Math.round((performance.now() - startedAt) * 100) / 100, request_id: exchange.requestId });
    const fail = (error: unknown): void => {
      try {
        render(exchange, error);
        if (response.statusCode >= 500) log.error("request_failed", { listener, path: exchange.path, status: response.statusCode, request_id: exchange.requestId, cause: error });
      } catch (cause) {
        log.error("internal_error", { listener, request_id: exchange.requestId, cause });
        response.destroy();
      }
      finish(exchange.path);
    };
    try {
      const served = serve(exchange);
      if (typeof served === "string") finish(served);
      else served.then(finish, fail);
    } catch (error) {
      fail(error);
    }
  };
}

const REQUEST_ID = /^[\w.-]{1,128}$/;

function makeExchange(request: IncomingMessage, response: ServerResponse, random: Random): Exchange {
  const url = request.url ?? "/";
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  const given = request.headers["x-request-id"];
  return {
    request,
    response,
    path: path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path,
    query: mark === -1 ? "" : url.slice(mark + 1),
    requestId: typeof given === "string" && REQUEST_ID.test(given) ? given : Buffer.from(random(12)).toString("base64url"),
    headers: {},
  };
}

function publicHandler({ transport, config }: GatewayOptions, isStopping: () => boolean): Serve {
  const routes = publicRoutes(transport, config, isStopping);
  return (exchange) => {
    const { method = "GET" } = exchange.request;
    const route = routes.get(exchange.path);
    if (route === undefined) {
      sendNotFound(exchange);
      return "(none)";
    }
    if (route.cors !== undefined && exchange.request.headers.origin !== undefined) Object.assign(exchange.headers, route.cors(exchange.request));
    const handler = route.methods[method === "HEAD" ? "GET" : method];
    if (handler !== undefined) {
      const answered = handler(exchange);
      return answered === undefined ? exchange.path : answered.then(() => exchange.path);
    }
    if (route.cors !== undefined && isPreflight(exchange.request)) send(exchange, 204, undefined, "");
    else if (config.compat === "hydra") sendNotFound(exchange);
    else sendMethodNotAllowed(exchange, allowed(route));
    return exchange.path;
  };
}

function allowed({ methods, cors }: Route): readonly string[] {
  return [...Object.keys(methods), ...("GET" in methods ? ["HEAD"] : []), ...(cors === undefined ? [] : ["OPTIONS"])];
}

function sendMethodNotAllowed(exchange: Exchange, allow: readonly string[]): void {
  sendJson(exchange, 405, { error: "invalid_request", error_description: `The method is not allowed here: use ${allow.join(" or ")}` }, { allow: allow.join(", ") });
}

/** Hydra's: an administrator's answer is kept by nobody. */
const ADMIN_NO_STORE = { "cache-control": "private, no-cache, no-store, must-revalidate" } as const;

function adminHandler({ transport, config, log }: GatewayOptions, isStopping: () => boolean): Serve {
  const issuer = config.urls.self.issuer ?? "";
  const router = makeRestRouter(makeRestRoutes(REST_SERVICES, transport, issuer));
  const cors = configuredCors(config.serve.admin.cors);
  const guard = makeAdminGuard(config.serve.admin, config.urls.self.admin);
  const readiness = ready(createClient(Health, transport), isStopping);
  const openApi = openApiDocument(log);
  return async (exchange) => {
    const { request } = exchange;
    const { method = "GET" } = request;
    const path = exchange.path.startsWith("/admin/") ? exchange.path : `/admin${exchange.path}`;
    Object.assign(exchange.headers, ADMIN_NO_STORE, cors(request));
    if (config.serve.admin.cors.enabled && isPreflight(request)) {
      send(exchange, 204, undefined, "");
      return "(preflight)";
    }
    guard(exchange);
    if (method === "GET" || method === "HEAD") {
      if (path === "/admin/health/alive") await alive(exchange);
      else if (path === "/admin/health/ready") await readiness(exchange);
      else if (path === "/admin/openapi.json") send(exchange, 200, "application/json", openApi());
      if (exchange.response.headersSent) return path;
    }
    const found = router.find(method === "HEAD" ? "GET" : method, path);
    if (found === undefined || ("allow" in found && config.compat === "hydra")) sendNotFound(exchange);
    else if ("allow" in found) sendMethodNotAllowed(exchange, found.allow);
    else {
      await found.route.handle(exchange, found.pathValues);
      return found.route.path;
    }
    return "(none)";
  };
}

function renderPublic(exchange: Exchange, error: unknown): void {
  const { status, error: code, description, headers } = anyFailure(error);
  sendJson(exchange, status, { error: code, error_description: description }, { ...NO_STORE, ...headers });
}

function renderAdmin(exchange: Exchange, error: unknown): void {
  const { status, body, headers } = restFailure(error);
  sendJson(exchange, status, body, headers);
}
