/** How a scope that a client may use stands for the scopes that it asks for. */
export type ScopeStrategy = "exact" | "wildcard";

const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Splits a `scope` parameter into its names, each once, in their order. Undefined: it holds what may not stand there.
 * @see RFC 6749 §3.3
 */
export function parseScope(scope: string): readonly string[] | undefined {
  if (scope === "") return [];
  const names = new Set<string>();
  for (const name of scope.split(" ")) {
    if (name === "") continue; // doubled spaces are common and do no harm
    if (!SCOPE_TOKEN.test(name)) return undefined;
    names.add(name);
  }
  return [...names];
}

/** Tells whether one of `allowed` stands for `name`. */
export const SCOPE_STRATEGIES: Readonly<Record<ScopeStrategy, (allowed: readonly string[], name: string) => boolean>> = {
  exact: (allowed, name) => allowed.includes(name),
  wildcard: (allowed, name) => allowed.some((each) => each === name || (each.includes("*") && matchesWildcard(each.split("."), name.split(".")))),
};

/** Parts are separated by dots; `*` stands for one part, and at the end for one or more; never for an empty one. As Hydra. */
function matchesWildcard(pattern: readonly string[], parts: readonly string[]): boolean {
  if (pattern.length > parts.length) return false;
  if (pattern.length < parts.length && pattern.at(-1) !== "*") return false;
  return pattern.every((part, i) => (part === "*" ? parts[i] !== "" : part === parts[i]));
}
