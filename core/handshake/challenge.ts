import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import { flowExpiry } from "../authorize/sealed.ts";
import type { Deps } from "../deps.ts";

/**
 * The challenge that an app brought in the parameter `name`, as it was opened; undefined: it was none.
 * @throws OAuthError invalid_request, Not Found, request_unauthorized (hydra.md §3.4)
 */
export function requireChallenge<C extends { readonly id: Uint8Array }>(
  deps: Pick<Deps, "config">,
  { name, what }: { readonly name: string; readonly what: string },
  sealed: string,
  challenge: C | undefined,
  now: EpochMillis,
): C {
  if (sealed === "") throw new OAuthError("invalid_request", `'${name}' is missing`);
  if (challenge === undefined) throw new OAuthError("Not Found", `'${name}' is none of this server`);
  if (flowExpiry(deps, challenge.id) <= now) throw new OAuthError("request_unauthorized", `The ${what} has expired`);
  return challenge;
}
