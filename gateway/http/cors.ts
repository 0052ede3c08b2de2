import type { IncomingMessage } from "node:http";
import type { Config } from "#lib/config.ts";

type CorsConfig = Config["serve"]["public"]["cors"];

/** Headers for a request from a page of another origin; none where it may not read the answer. */
export type CorsPolicy = (request: IncomingMessage) => Readonly<Record<string, string>>;

const NOTHING: Readonly<Record<string, string>> = {};

/** Whether a request is the question that a browser asks before the real one (Fetch §4.8). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === "OPTIONS" && headers.origin !== undefined && headers["access-control-request-method"] !== undefined;
}

/** Public documents: any origin, any request header (RFC 8414 §3; browser clients send headers of their own). */
export const openCors: CorsPolicy = (request) => {
  if (!isPreflight(request)) return { "access-control-allow-origin": "*", "access-control-expose-headers": "*" };
  return { "access-control-allow-origin": "*", "access-control-allow-methods": "GET, HEAD, OPTIONS", "access-control-allow-headers": request.headers["access-control-request-headers"] ?? "*", "access-control-max-age": "86400", vary: "Access-Control-Request-Headers" };
};

/** The policy of a listener, by Hydra's rules: exact origins, or with one star that stands for a label. */
export function configuredCors(config: CorsConfig): CorsPolicy {
  if (!config.enabled) return () => NOTHING;
  const isAllowed = originMatcher(config.allowed_origins);
  const exposed = config.exposed_headers.join(", ");
  return (request) => {
    const { origin } = request.headers;
    if (origin === undefined || !isAllowed(origin)) return { vary: "Origin" };
    const common = { "access-control-allow-origin": origin, vary: "Origin", ...(config.allow_credentials ? { "access-control-allow-credentials": "true" } : {}) };
    if (!isPreflight(request)) return { ...common, "access-control-expose-headers": exposed };
    return { ...common, "access-control-allow-methods": config.allowed_methods.join(", "), "access-control-allow-headers": config.allowed_headers.join(", "), ...(config.max_age > 0 ? { "access-control-max-age": String(config.max_age) } : {}) };
  };
}

/** Tells whether an origin is one of the configured. No list, or `*`: any is. */
export function originMatcher(allowed: readonly string[]): (origin: string) => boolean {
  if (allowed.length === 0 || allowed.includes("*")) return () => true;
  const exact = new Set(allowed.filter((each) => !each.includes("*")).map((each) => each.toLowerCase()));
  // A star stands for one label: it must be a label by itself, for `https://*example.com` would let `https://evilexample.com` in.
  const patterns = allowed.filter((each) => /^https?:\/\/\*(\.|:|$)/.test(each)).map(toPattern);
  return (origin) => exact.has(origin.toLowerCase()) || patterns.some((pattern) => pattern.test(origin));
}

function toPattern(origin: string): RegExp {
  const [before = "", after = ""] = origin.split("*");
  const label = after === "" ? "[a-z0-9.-]+(:\\d+)?" : "[a-z0-9-]+";
  return new RegExp(`^${escape(before)}${label}${escape(after)}$`, "i");
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
