import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ExchangeTokenRequest, ExchangeTokenResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { AuthenticatedClient } from "../../client/authenticate.ts";
import type { Deps } from "../../deps.ts";
import type { IssueDeps } from "../issue.ts";

/** A token request whose client has shown who it is and may use the grant type. */
export interface TokenRequest extends AuthenticatedClient {
  readonly request: ExchangeTokenRequest;
}

/** What grant types need. */
export type GrantTypeDeps = IssueDeps & Pick<Deps, "pollPace">;

/** What one grant type does once all that they share is done. */
export type GrantType = (deps: GrantTypeDeps, request: TokenRequest, now: EpochMillis) => Promise<MessageInitShape<typeof ExchangeTokenResponseSchema>>;

/** What was presented is no grant, or not this client's, or no more (RFC 6749 §5.2). */
export function invalidGrant(why: string): OAuthError {
  return new OAuthError("invalid_grant", `The provided authorization grant is invalid: ${why}`);
}
