import findMyWay from "find-my-way";
import type { RestRoute } from "./route.ts";

/** Finds the route of a request. */
export interface RestRouter {
  /** The route, the methods that the path has instead, or undefined for a path that is none. */
  find(
    method: string,
    path: string,
  ): { readonly route: RestRoute; readonly pathValues: Readonly<Record<string, string | undefined>> } | { readonly allow: readonly string[] } | undefined;
}

type HttpMethod = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

const METHODS: readonly HttpMethod[] = ["GET", "PUT", "POST", "PATCH", "DELETE"];
/** Longest segment that is looked at; identifiers are shorter. */
const MAX_SEGMENT = 1024;

/** Makes a router of what the contract says. */
export function makeRestRouter(routes: readonly RestRoute[]): RestRouter {
  const router = findMyWay({ maxParamLength: MAX_SEGMENT });
  for (const route of routes) router.on(route.httpMethod as HttpMethod, route.path.replace(/\{(\w+)\}/g, ":$1"), () => {}, route);
  return {
    find(method, path) {
      if (path.includes("//") || path.endsWith("/")) return undefined; // a segment that is empty names nothing, least of all something to delete
      const found = METHODS.includes(method as HttpMethod) ? router.find(method as HttpMethod, path) : null;
      if (found !== null) return { route: found.store as RestRoute, pathValues: found.params };
      const allow = METHODS.filter((each) => router.find(each, path) !== null);
      return allow.length === 0 ? undefined : { allow };
    },
  };
}
