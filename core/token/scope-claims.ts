import type { AuthorizationRequest, GrantRecord } from "#gen/writ/store/v1/grant_pb.ts";
import { claimsRequestOf, isAskedFor } from "../model/claims-request.ts";

/** Claims that a scope asks for. @see OIDC Core §5.4 */
export const SCOPE_CLAIMS: Readonly<Record<string, readonly string[]>> = {
  profile: "name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate zoneinfo locale updated_at".split(" "),
  email: ["email", "email_verified"],
  address: ["address"],
  phone: ["phone_number", "phone_number_verified"],
};

const SCOPE_OF: ReadonlyMap<string, string> = new Map(Object.entries(SCOPE_CLAIMS).flatMap(([scope, claims]) => claims.map((claim) => [claim, scope] as const)));

/** The scope that asks for a claim, in whatever language (OIDC Core §5.2). Undefined: none does. */
export function scopeOfClaim(name: string): string | undefined {
  return SCOPE_OF.get(name.split("#", 1)[0] ?? "");
}

/** Which of what the consent app attached is told in one place. */
export type Tells = (name: string) => boolean;

/** Under `compat: hydra`: all of it, in both places. */
export const TELLS_ALL: Tells = () => true;

/**
 * What an ID token tells: of what scopes ask for only what has no other way to the client, which is where nothing but an ID
 * token is issued; what `claims` asks for in it; and what is no standard claim.
 * @see OIDC Core §5.4, §5.5
 */
export function idTokenTells({ request, consent }: GrantRecord): Tells {
  const granted = request?.responseType === "id_token" && consent?.outcome.case === "accepted" ? consent.outcome.value.scope : [];
  return tells(request, "id_token", granted);
}

/** What userinfo tells: what the access token's scopes ask for, what `claims` asks for there, and what is no standard claim. @see OIDC Core §5.4, §5.5 */
export function userinfoTells({ request }: GrantRecord, scope: readonly string[]): Tells {
  return tells(request, "userinfo", scope);
}

function tells(request: AuthorizationRequest | undefined, place: "id_token" | "userinfo", scope: readonly string[]): Tells {
  const asked = claimsRequestOf(request);
  const elsewhere = place === "id_token" ? asked.userinfo : asked.id_token;
  return (name) => {
    if (isAskedFor(asked[place], name)) return true;
    const askedBy = scopeOfClaim(name);
    return askedBy === undefined ? !isAskedFor(elsewhere, name) : scope.includes(askedBy);
  };
}
