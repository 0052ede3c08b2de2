import type { Client } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as Status } from "#gen/grpc/health/v1/health_pb.ts";
import { type Handler, sendJson } from "../http/exchange.ts";

/** A core that takes longer to say so is not ready. Milliseconds. */
const TIMEOUT = 2000;

/** The process runs. */
export const alive: Handler = (exchange) => sendJson(exchange, 200, { status: "ok" });

/** Requests can be served: core answers, and so does its database. Stops as soon as the process is asked to end. */
export function ready(health: Client<typeof Health>, isStopping: () => boolean): Handler {
  return async (exchange) => {
    const isReady =
      !isStopping() &&
      (await health.check({}, { timeoutMs: TIMEOUT }).then(
        ({ status }) => status === Status.SERVING,
        () => false,
      ));
    if (isReady) sendJson(exchange, 200, { status: "ok" });
    else sendJson(exchange, 503, { error: "error", error_description: "The server is not ready" });
  };
}
