import { createClient } from "@connectrpc/connect";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import { makeAdminGuard } from "./admin-guard.ts";
import { configuredCors, isPreflight } from "./http/cors.ts";
import { type Handler, send, sendJson, UNCACHED } from "./http/exchange.ts";
import { refuseMethod, serveRoute } from "./http/methods.ts";
import { METRICS_TYPE, type Metrics } from "./http/metrics.ts";
import { sendNotFound } from "./http/not-found.ts";
import { alive, ready } from "./oauth/health.ts";
import { openApiDocument } from "./openapi/document.ts";
import { renderRestError } from "./rest/error.ts";
import { makeRestRoutes } from "./rest/route.ts";
import { makeRestRouter } from "./rest/router.ts";
import { REST_SERVICES } from "./rest/services.ts";
import type { GatewayOptions, Port } from "./server.ts";

/** What operators, login and consent apps and Hydra's tools reach. */
export function adminPort(
  { transport: gatewayTransport, adminTransport: transport = gatewayTransport, config, log }: GatewayOptions,
  isStopping: () => boolean,
  metrics: Pick<Metrics, "render">,
): Port {
  const { cors: corsConfig } = config.serve.admin;
  const refusal = makeAdminGuard(config);
  const cors = configuredCors(corsConfig);
  const router = makeRestRouter(makeRestRoutes(REST_SERVICES, transport, config.urls.self.issuer ?? ""));
  const openApi = openApiDocument(log);
  const fixed: ReadonlyMap<string, Handler> = new Map<string, Handler>([
    ["/admin/health/alive", alive],
    ["/admin/health/ready", ready(createClient(Health, transport), isStopping)],
    ["/admin/metrics/prometheus", (exchange) => send(exchange, 200, METRICS_TYPE, metrics.render())],
    ["/admin/openapi.json", (exchange) => send(exchange, 200, "application/json", openApi())],
  ]);
  const hideMethods = config.compat === "hydra";

  return {
    name: "admin",
    serve(exchange) {
      const { request, headers } = exchange;
      Object.assign(headers, UNCACHED, cors(request));
      if (corsConfig.enabled && isPreflight(request)) {
        exchange.route = "(preflight)";
        return send(exchange, 204, undefined, "");
      }
      const refused = refusal(request);
      if (refused !== undefined) return sendJson(exchange, 403, { error: "The requested action was forbidden", error_description: refused });

      const path = exchange.path.startsWith("/admin/") ? exchange.path : `/admin${exchange.path}`; // Hydra §1.1: the prefix may be left out
      const handler = fixed.get(path);
      if (handler !== undefined) return serveRoute(exchange, { pattern: path, methods: { GET: handler } }, hideMethods);
      const found = router.find(request.method === "HEAD" ? "GET" : (request.method ?? "GET"), path);
      if (found === undefined) return sendNotFound(exchange);
      if ("allow" in found) return refuseMethod(exchange, found.allow, hideMethods);
      exchange.route = found.route.path;
      return found.route.handle(exchange, found.pathValues);
    },
    renderError: renderRestError,
  };
}
