import type { AuthorizationRequest } from "#gen/writ/store/v1/grant_pb.ts";

/** What is said of a claim that is asked for (OIDC Core §5.5.1). */
export interface ClaimWish {
  readonly essential?: boolean;
  readonly value?: unknown;
  readonly values?: readonly unknown[];
}

/** Claims by name. Null: wished for, and nothing said of it. */
export type ClaimWishes = Readonly<Record<string, ClaimWish | null>>;

/** Single claims that a client asks for, by where it wants them. */
export interface ClaimsRequest {
  readonly id_token?: ClaimWishes;
  readonly userinfo?: ClaimWishes;
}

const NONE: ClaimsRequest = {};

/** The `claims` of a request, as they were understood (OIDC Core §5.5). */
export function claimsRequestOf(request: Pick<AuthorizationRequest, "claims"> | undefined): ClaimsRequest {
  return request === undefined || request.claims === "" ? NONE : (JSON.parse(request.claims) as ClaimsRequest);
}

/** Whether a claim is asked for by its name. */
export function isAskedFor(wishes: ClaimWishes | undefined, name: string): boolean {
  return wishes !== undefined && Object.hasOwn(wishes, name);
}

/** What is said of a claim, if it is asked for. */
export function wishOf(wishes: ClaimWishes | undefined, name: string): ClaimWish | undefined {
  return isAskedFor(wishes, name) ? (wishes?.[name] ?? {}) : undefined;
}

/** Values that a claim is wanted to have, of which any will do. None: any at all. */
export function wantedValues({ value, values = [] }: ClaimWish): readonly unknown[] {
  return value === undefined ? values : [value, ...values];
}

/** Context classes that a request wants, the most wanted first. Where both say some `claims` counts: it alone can be essential. */
export function wantedAcrValues(request: Pick<AuthorizationRequest, "claims" | "acrValues">): string[] {
  const named = wantedValues(wishOf(claimsRequestOf(request).id_token, "acr") ?? {}).filter((each) => typeof each === "string");
  return named.length > 0 ? named : request.acrValues;
}
