import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type LogoutChallenge, LogoutChallengeSchema } from "#gen/writ/store/v1/logout_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { openSealed } from "#lib/seal.ts";
import type { Deps } from "../deps.ts";

/** Longest logout challenge in characters. */
const MAX_CHALLENGE = 4096;

/** What travels: a request that waits for its answer, and the same once the answer was yes. */
type LogoutSeal = "logout_challenge" | "logout_verifier";

/** Seals a logout request. @throws OAuthError invalid_request when it is too large to travel */
export function sealLogout({ sealer }: Pick<Deps, "sealer">, kind: LogoutSeal, challenge: LogoutChallenge): string {
  const sealed = sealer.seal(kind, toBinary(LogoutChallengeSchema, create(LogoutChallengeSchema, challenge)));
  if (sealed.length > MAX_CHALLENGE) throw new OAuthError("invalid_request", "The parameters of the request are too large, all together");
  return sealed;
}

/** Opens one. Undefined: it is none. */
export function openLogout({ sealer }: Pick<Deps, "sealer">, kind: LogoutSeal, sealed: string): LogoutChallenge | undefined {
  const payload = openSealed(sealer, kind, sealed, "This");
  return payload === undefined ? undefined : fromBinary(LogoutChallengeSchema, payload);
}
