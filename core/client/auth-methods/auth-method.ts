import type { ClientAuthentication } from "#gen/writ/oauth/v1/request_pb.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../../deps.ts";
import type { StoredClient } from "../../model/client.ts";

/** What client authentication needs. */
export type AuthenticateDeps = Pick<Deps, "db" | "issuer" | "slowHash" | "settings" | "sealer" | "random" | "remoteKeys" | "log">;

/** What a request brings of one method. */
export interface Presented {
  /** `client_id` that the credentials name. */
  readonly clientId: string;
  /**
   * Whether they are those of `client`.
   * @throws OAuthError invalid_client when they are, and may not be used all the same
   */
  readonly isRight: (deps: AuthenticateDeps, client: StoredClient, now: EpochMillis) => boolean | Promise<boolean>;
}

/** One way in which a client shows who it is (OIDC Core §9). */
export interface AuthMethod {
  /**
   * What the request brings of this method; undefined: nothing.
   * @throws OAuthError invalid_client or invalid_request when it is there but cannot be read
   */
  readonly read: (authentication: ClientAuthentication) => Presented | undefined;
}
