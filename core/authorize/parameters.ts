import type { Parameter } from "#gen/writ/oauth/v1/request_pb.ts";
import { OAuthError } from "#lib/errors.ts";

/** Parameters of an authorization request: each name has all its values, since a repeated one is an error that somebody has to be told of. */
export type ParameterMap = ReadonlyMap<string, readonly string[]>;

/** Gathers parameters by name. */
export function toParameterMap(parameters: readonly Parameter[]): ParameterMap {
  const map = new Map<string, string[]>();
  for (const { name, value } of parameters) {
    const values = map.get(name);
    if (values === undefined) map.set(name, [value]);
    else values.push(value);
  }
  return map;
}

/** The one value of a parameter; empty: it is absent. @throws OAuthError invalid_request for a repeated one (RFC 6749 §3.1) */
export function single(map: ParameterMap, name: string): string {
  const values = map.get(name);
  if (values === undefined) return "";
  if (values.length > 1) throw new OAuthError("invalid_request", `'${name}' is sent more than once`);
  return values[0] ?? "";
}

/** The words of a parameter, each once. */
export function words(map: ParameterMap, name: string): string[] {
  return [...new Set(single(map, name).split(" "))].filter((word) => word !== "");
}
