import type { IncomingMessage } from "node:http";
import type { Config } from "#lib/config.ts";
import { originMatcher } from "#lib/origin.ts";

type CorsConfig = Config["serve"]["public"]["cors"];

/** Headers for a request from a page of another origin; none where it may not read the answer. */
export type CorsPolicy = (request: IncomingMessage) => Readonly<Record<string, string>>;

const NOTHING: Readonly<Record<string, string>> = {};
/** What the answer to a preflight depends on, so that no cache gives one origin another's. */
const PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/** Whether a request is the question that a browser asks before the real one (Fetch §4.8). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

/** Public documents: any origin, any request header (RFC 8414 §3; browser clients send headers of their own). */
export const openCors: CorsPolicy = (request) => {
  if (!isPreflight(request)) return { "access-control-allow-origin": "*", "access-control-expose-headers": "*" };
  return {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*",
    "access-control-max-age": "86400",
    vary: PREFLIGHT_VARY,
  };
};

/** The policy of a listener, by Hydra's rules for origins. A client's own `allowed_cors_origins` come in by client-cors.ts. */
export function configuredCors(config: CorsConfig): CorsPolicy {
  if (!config.enabled) return () => NOTHING;
  const isAllowed = originMatcher(config.allowed_origins);
  const credentials: Record<string, string> = config.allow_credentials ? { "access-control-allow-credentials": "true" } : {};
  const exposed = { "access-control-expose-headers": config.exposed_headers.join(", ") };
  const anyHeader = config.allowed_headers.includes("*");
  const preflight = {
    "access-control-allow-methods": config.allowed_methods.join(", "),
    ...(config.max_age > 0 ? { "access-control-max-age": String(config.max_age) } : {}),
    vary: PREFLIGHT_VARY,
  };
  const headers = config.allowed_headers.join(", ");
  return (request) => {
    const { origin, "access-control-request-headers": asked = "" } = request.headers;
    const asksBefore = isPreflight(request);
    if (origin === undefined || !isAllowed(origin)) return { vary: asksBefore ? PREFLIGHT_VARY : "Origin" };
    const allow = { "access-control-allow-origin": origin, ...credentials };
    // With credentials a star is no wildcard for browsers: the headers that are asked for are named.
    return asksBefore ? { ...allow, ...preflight, "access-control-allow-headers": anyHeader ? asked : headers } : { ...allow, ...exposed, vary: "Origin" };
  };
}
