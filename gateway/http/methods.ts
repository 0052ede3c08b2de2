import type { CorsPolicy } from "./cors.ts";
import { isPreflight } from "./cors.ts";
import { type Exchange, type Handler, send, sendJson } from "./exchange.ts";
import { sendNotFound } from "./not-found.ts";

/** What answers at a path. */
export interface Route {
  /** Pattern of the path, for the log. */
  readonly pattern: string;
  readonly methods: Readonly<Record<string, Handler>>;
  /** Undefined: pages of other origins may not read it. */
  readonly cors?: CorsPolicy;
}

/** Answers a request at a known path by its method. `hideMethods`: as Hydra, a method that is not there is a path that is not. */
export function serveRoute(exchange: Exchange, { pattern, methods, cors }: Route, hideMethods: boolean): Promise<void> | void {
  const { request } = exchange;
  const { method = "GET" } = request;
  exchange.route = pattern;
  if (cors !== undefined) Object.assign(exchange.headers, cors(request));
  const handler = methods[method === "HEAD" ? "GET" : method];
  if (handler !== undefined) return handler(exchange);
  if (cors !== undefined && isPreflight(request)) return send(exchange, 204, undefined, "");
  refuseMethod(exchange, [...Object.keys(methods), ...(cors === undefined ? [] : ["OPTIONS"])], hideMethods);
}

/** The path is there, the method is not. @see RFC 9110 §15.5.6 */
export function refuseMethod(exchange: Exchange, methods: readonly string[], hideMethods: boolean): void {
  if (hideMethods) return sendNotFound(exchange);
  const allow = methods.includes("GET") ? [...methods, "HEAD"] : methods;
  sendJson(exchange, 405, { error: "invalid_request", error_description: `The method is not allowed here: use ${allow.join(" or ")}` }, { allow: allow.join(", ") });
}
