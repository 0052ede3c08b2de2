import type { AuthorizationRequest } from "#gen/writ/store/v1/grant_pb.ts";
import { claimsRequestOf, wantedValues, wishOf } from "../model/claims-request.ts";

/** Whether a subject is the one that `claims` names by a value of `sub`, if it names one. @see OIDC Core §3.1.2.2, §5.5.1 */
export function isWantedSubject(request: Pick<AuthorizationRequest, "claims">, subject: string): boolean {
  const { id_token, userinfo } = claimsRequestOf(request);
  return [id_token, userinfo].every((place) => {
    const wanted = wantedValues(wishOf(place, "sub") ?? {});
    return wanted.length === 0 || wanted.includes(subject);
  });
}

/** Whether a login is of a context class that the request cannot do without. @see OIDC Core §5.5.1.1 */
export function isSufficientAcr(request: Pick<AuthorizationRequest, "claims">, acr: string): boolean {
  const wish = wishOf(claimsRequestOf(request).id_token, "acr");
  if (wish?.essential !== true) return true;
  const wanted = wantedValues(wish);
  return wanted.length === 0 || wanted.includes(acr);
}
