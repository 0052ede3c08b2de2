import { setTimeout } from "node:timers/promises";
import type { ClientAuthentication } from "#gen/writ/oauth/v1/request_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { StoredClient } from "../model/client.ts";
import { LIMITS } from "../model/limits.ts";
import { getClient } from "../store/clients.ts";
import type { AuthenticateDeps, AuthMethod, Presented } from "./auth-methods/auth-method.ts";
import { clientSecretJwt, privateKeyJwt } from "./auth-methods/client-assertion.ts";
import { clientSecretBasic } from "./auth-methods/client-secret-basic.ts";
import { clientSecretPost } from "./auth-methods/client-secret-post.ts";
import { authenticationFailed, NOT_AUTHENTICATED } from "./auth-methods/failure.ts";
import { none } from "./auth-methods/none.ts";

export type { AuthenticateDeps };

/** Methods that work (`token_endpoint_auth_method`). */
export type ClientAuthMethod = "client_secret_basic" | "client_secret_post" | "client_secret_jwt" | "private_key_jwt" | "none";

/** Every method there is: a new one is a new file and a line here. */
export const AUTH_METHODS: Readonly<Record<ClientAuthMethod, AuthMethod>> = {
  client_secret_basic: clientSecretBasic,
  client_secret_post: clientSecretPost,
  client_secret_jwt: clientSecretJwt,
  private_key_jwt: privateKeyJwt,
  none,
};

const METHOD_NAMES = Object.keys(AUTH_METHODS) as ClientAuthMethod[];

/** A client that has shown who it is. */
export interface AuthenticatedClient {
  readonly client: StoredClient;
  readonly method: ClientAuthMethod;
}

/**
 * Finds out which client makes a request. The same procedure at every endpoint that asks for it.
 * @throws OAuthError invalid_request when more than one method is used; invalid_client for all else
 * @see RFC 6749 §2.3, §3.2.1, §5.2
 */
export async function authenticateClient(deps: AuthenticateDeps, authentication: ClientAuthentication | undefined, now: EpochMillis): Promise<AuthenticatedClient> {
  const { method, presented } = requireOneMethod(authentication, deps.settings.compatHydra); // RFC 6749 §2.3: not more than one
  const client = await getClient(deps.db, deps.issuer, presented.clientId); // §2.2
  const answer = client !== undefined && presented.isRight(deps, client, now); // §2.3.1
  // A server-made secret is checked at once; the time of a slow hash is only looked at where there is one.
  const { isRight, took } = typeof answer === "boolean" ? { isRight: answer, took: 0 } : await measured(answer);
  if (client !== undefined && isRight && registeredMethod(client) === method) return { client, method };
  throw await refuse(deps, { client, isRight, method, presented, took });
}

/** The method that a client is registered for. Also one that is not supported: such a client cannot authenticate. */
export function registeredMethod({ record }: StoredClient): string {
  return record.client.tokenEndpointAuthMethod || "client_secret_basic"; // RFC 7591 §2
}

function requireOneMethod(authentication: ClientAuthentication | undefined, compatHydra: boolean): { readonly method: ClientAuthMethod; readonly presented: Presented } {
  if (authentication === undefined) throw notPresented(compatHydra);
  const { authorization, clientId, clientSecret, clientAssertion, clientAssertionType } = authentication;
  const bringsAssertion = clientAssertion !== "" || clientAssertionType !== "";
  if (Number(authorization !== "") + Number(clientSecret !== "") + Number(bringsAssertion) > 1) {
    const description = "more than one method of client authentication is used in one request";
    throw compatHydra ? authenticationFailed(description) : new OAuthError("invalid_request", `Client authentication failed: ${description} (RFC 6749 §2.3)`);
  }
  for (const method of METHOD_NAMES) {
    const presented = AUTH_METHODS[method].read(authentication);
    if (presented === undefined) continue;
    // Who would be meant by two ids is for nobody to guess: one might be logged or granted in place of the other.
    if (clientId !== "" && clientId !== presented.clientId) throw new OAuthError("invalid_request", "'client_id' is another client than the one that authenticates");
    return { method, presented };
  }
  throw notPresented(compatHydra);
}

/** RFC 6749 §5.2 names "no client authentication included" under invalid_client; Hydra answers invalid_request. */
function notPresented(compatHydra: boolean): OAuthError {
  const description = "the request brings no client authentication";
  return compatHydra ? new OAuthError("invalid_request", `Client authentication failed: ${description}`) : authenticationFailed(description);
}

interface Refused {
  readonly client: StoredClient | undefined;
  readonly isRight: boolean;
  readonly method: ClientAuthMethod;
  readonly presented: Presented;
  /** Milliseconds that the check of the secret took. */
  readonly took: number;
}

async function measured(answer: Promise<boolean>): Promise<{ readonly isRight: boolean; readonly took: number }> {
  const startedAt = performance.now();
  const isRight = await answer;
  return { isRight, took: performance.now() - startedAt };
}

/** Milliseconds that a refusal takes at least. A slow hash takes 10 to 30. */
const REFUSAL_TAKES = 50;

/**
 * An unknown client is found out in microseconds, a wrong secret against SHA-256 too, and against a slow hash in
 * milliseconds. Hashing slowly for clients that are not there would hide only half of that, and give everybody a way to
 * burn our CPU; so all refusals wait for the same moment, which costs a timer. Where slow hashes queue up, theirs come later still: this
 * blurs who exists, it need not hide it (RFC 6749 §2.2: a client identifier is no secret).
 */
async function refuse(deps: AuthenticateDeps, { client, isRight, method, presented, took }: Refused): Promise<OAuthError> {
  const reason = client === undefined ? "unknown_client" : registeredMethod(client) === method ? "wrong_credentials" : "wrong_method";
  deps.log.info("client_authentication_failed", { client_id: presented.clientId.slice(0, LIMITS.clientId), method, reason });
  await setTimeout(Math.max(0, REFUSAL_TAKES - took));
  // Only whoever knows the secret hears what the client is registered for.
  if (client !== undefined && isRight && method !== "none") return authenticationFailed(`the client is registered for '${registeredMethod(client)}', and used '${method}'`);
  return authenticationFailed(NOT_AUTHENTICATED);
}
