import { UNCACHED } from "./http/exchange.ts";
import { serveRoute } from "./http/methods.ts";
import { sendNotFound } from "./http/not-found.ts";
import { renderOAuthError } from "./http/render-error.ts";
import { publicRoutes } from "./routes.ts";
import type { GatewayOptions, Port } from "./server.ts";

/** What browsers, OAuth clients and resource servers reach. */
export function publicPort({ transport, config }: GatewayOptions, isStopping: () => boolean): Port {
  const routes = publicRoutes(transport, config, isStopping);
  const hideMethods = config.compat === "hydra";
  return {
    name: "public",
    serve(exchange) {
      Object.assign(exchange.headers, UNCACHED); // unless the endpoint says otherwise
      const { path } = exchange;
      const route = routes.get(path) ?? routes.get(`${path.slice(0, path.lastIndexOf("/"))}/{id}`);
      return route === undefined ? sendNotFound(exchange) : serveRoute(exchange, route, hideMethods);
    },
    renderError: renderOAuthError,
  };
}
