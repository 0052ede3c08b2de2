import type { AuthorizationRequest, ConsentAcceptance } from "#gen/writ/store/v1/grant_pb.ts";
import { claimsRequestOf, isAskedFor } from "../model/claims-request.ts";
import { RESERVED_CLAIMS } from "../token/id-token.ts";
import { scopeOfClaim } from "../token/scope-claims.ts";

/** A consent that is remembered, and the request that it was given to. */
interface Remembered {
  readonly request?: AuthorizationRequest | undefined;
  readonly accepted: ConsentAcceptance;
}

/**
 * Whether a remembered consent covers the single claims that a request asks for: they were asked for then, or a scope that was
 * granted stands for them. What the server itself says of a login needs nobody's consent.
 */
export function coversClaims({ request: before, accepted }: Remembered, request: AuthorizationRequest): boolean {
  const [asked, askedBefore] = [claimsRequestOf(request), claimsRequestOf(before)];
  const names = [...Object.keys(asked.id_token ?? {}), ...Object.keys(asked.userinfo ?? {})];
  return names.every((name) => {
    if (RESERVED_CLAIMS.has(name) || isAskedFor(askedBefore.id_token, name) || isAskedFor(askedBefore.userinfo, name)) return true;
    const scope = scopeOfClaim(name);
    return scope !== undefined && accepted.scope.includes(scope);
  });
}
