import type { AuthorizationRequest } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { ClientIdentity, StoredClient } from "../model/client.ts";
import { getSameClient } from "../store/clients.ts";
import type { Target } from "./answer.ts";
import type { Browser } from "./cookies.ts";
import { toResponseMode } from "./response-modes.ts";
import { defaultModeOf } from "./response-types.ts";

/** What the authorization endpoint needs. */
export type AuthorizeDeps = Pick<Deps, "db" | "issuer" | "config" | "settings" | "random" | "sealer" | "keys" | "outbound" | "remoteKeys" | "log" | "hooks">;

/** One step of a flow: a checked request, and the browser that came with it. */
export interface Flow {
  readonly client: StoredClient;
  readonly request: AuthorizationRequest;
  readonly target: Target;
  readonly browser: Browser;
  readonly now: EpochMillis;
}

/** Where the response to a request goes that was checked before. */
export function targetOf({ redirectUri, responseType, responseMode, state, device }: AuthorizationRequest): Target {
  return { redirectUri, mode: toResponseMode(responseMode) ?? defaultModeOf(responseType), state, isDevice: device !== undefined };
}

/** The client that a flow was begun by. @throws OAuthError when it is no more, or another one has its name */
export async function requireSameClient({ db, issuer }: Pick<Deps, "db" | "issuer">, identity: ClientIdentity): Promise<StoredClient> {
  const client = await getSameClient(db, issuer, identity);
  if (client === undefined) throw new OAuthError("invalid_client", "Client authentication failed: the client that asked is registered no more");
  return client;
}

/** A flow is older than `ttl.login_consent_request`. */
export function flowExpired({ settings }: Pick<Deps, "settings">, what: "login" | "consent" | "logout"): OAuthError {
  return new OAuthError(settings.compatHydra ? "request_unauthorized" : "access_denied", `The ${what} request has expired: begin again at the application`);
}

/** A verifier came from another browser than its flow began in: it was sent to somebody. */
export function foreignBrowser({ settings }: Pick<Deps, "settings">): OAuthError {
  return new OAuthError(
    settings.compatHydra ? "request_forbidden" : "access_denied",
    "This browser is not the one that the flow began in, or it has lost its cookies: begin again at the application",
  );
}

/** A verifier that does not count. */
export function verifierSpent(): OAuthError {
  return new OAuthError("access_denied", "The resource owner or authorization server denied the request: the verifier has been used already, or another answer was");
}

/** What the flow depended on was taken away while it was under way. */
export function flowRevoked(): OAuthError {
  return new OAuthError("access_denied", "The resource owner or authorization server denied the request: consent was revoked while it was under way");
}
