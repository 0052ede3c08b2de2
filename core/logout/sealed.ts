import { type LogoutChallenge, LogoutChallengeSchema } from "#gen/writ/store/v1/logout_pb.ts";
import { openMessage, sealChallenge } from "../authorize/sealed.ts";
import type { Deps } from "../deps.ts";

/** What travels: a request that waits for its answer, and the same once the answer was yes. */
type LogoutSeal = "logout_challenge" | "logout_verifier";

/** Seals a logout request. @throws OAuthError invalid_request when it is too large to travel */
export function sealLogout(deps: Pick<Deps, "sealer">, kind: LogoutSeal, challenge: LogoutChallenge): string {
  return sealChallenge(deps, kind, LogoutChallengeSchema, challenge);
}

/** Opens one. Undefined: it is none. */
export function openLogout(deps: Pick<Deps, "sealer">, kind: LogoutSeal, sealed: string): LogoutChallenge | undefined {
  return openMessage(deps, kind, LogoutChallengeSchema, sealed);
}
