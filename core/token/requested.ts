import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import { allowsAudience } from "#lib/audience.ts";
import { OAuthError } from "#lib/errors.ts";
import { parseScope, SCOPE_STRATEGIES, type ScopeStrategy } from "#lib/scope.ts";

/**
 * The scopes that a client asked for, all of which it may have.
 * @throws OAuthError invalid_scope naming the first that it may not
 * @see RFC 6749 §3.3
 */
export function grantScope(scope: string, client: Client, strategy: ScopeStrategy): readonly string[] {
  if (scope === "") return [];
  const names = parseScope(scope);
  if (names === undefined) throw new OAuthError("invalid_scope", "The requested scope is invalid: 'scope' holds a character that no scope may have");
  const allowed = client.scope.split(" ");
  const denied = names.find((name) => !SCOPE_STRATEGIES[strategy](allowed, name));
  if (denied !== undefined) throw new OAuthError("invalid_scope", `The requested scope is invalid: the client may not ask for '${denied}'`);
  return names;
}

/**
 * The audience that a client asked for (repeated, or separated by spaces), all of which it may have.
 * @throws OAuthError invalid_request naming the first that it may not
 */
export function grantAudience(audience: readonly string[], client: Client): readonly string[] {
  if (audience.length === 0) return [];
  const names = [...new Set(audience.flatMap((each) => each.split(" ")))].filter((each) => each !== "");
  const denied = names.find((name) => !allowsAudience(client.audience, name));
  if (denied !== undefined) throw new OAuthError("invalid_request", `'audience' names '${denied}', which the client may not ask for`);
  return names;
}
