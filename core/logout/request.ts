import { OAuthError } from "#lib/errors.ts";
import { fromHex } from "#lib/id.ts";
import { readIdTokenHint } from "../authorize/id-token-hint.ts";
import { type ParameterMap, single } from "../authorize/parameters.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { getClient } from "../store/clients.ts";

/** What an ID token says of a session. */
export interface LogoutHint {
  readonly sub: string;
  /** Undefined: the login had no session. */
  readonly sid: Uint8Array | undefined;
}

/** A logout request that was checked. */
export interface LogoutRequest {
  /** Whom the ID token was issued to, or who it says it is. Undefined: nobody says. */
  readonly client: StoredClient | undefined;
  /** Undefined: nothing shows that it is a client which asks. */
  readonly hint: LogoutHint | undefined;
  /** One that the client has registered; empty: none is wanted. */
  readonly postLogoutRedirectUri: string;
  readonly state: string | undefined;
  readonly uiLocales: string;
  readonly logoutHint: string;
}

/**
 * Reads a logout request.
 * @throws OAuthError for the person, since no client may be told
 * @see OIDC RP-Initiated Logout §2, §3, §4
 */
export async function readLogoutRequest(deps: Pick<Deps, "db" | "issuer" | "keys" | "settings">, parameters: ParameterMap): Promise<LogoutRequest> {
  const sentHint = single(parameters, "id_token_hint");
  const postLogoutRedirectUri = single(parameters, "post_logout_redirect_uri");
  const state = single(parameters, "state");
  const claimedId = single(parameters, "client_id");
  if (deps.settings.compatHydra && sentHint === "" && (postLogoutRedirectUri !== "" || state !== ""))
    throw new OAuthError("invalid_request", "'id_token_hint' is missing, which 'post_logout_redirect_uri' and 'state' need");
  // An ID token that has expired is one still (§2); one of another issuer, or with another signature, is none.
  const claims = sentHint === "" ? undefined : await readIdTokenHint(deps, sentHint);
  const client = claims === undefined ? await claimedClient(deps, claimedId) : await clientOf(deps, claims.aud, claimedId);
  if (postLogoutRedirectUri !== "") requirePostLogoutRedirectUri(client, postLogoutRedirectUri);
  return {
    client,
    hint: claims === undefined ? undefined : { sub: String(claims.sub), sid: typeof claims.sid === "string" ? fromHex(claims.sid) : undefined },
    postLogoutRedirectUri,
    state: state === "" ? undefined : state,
    uiLocales: single(parameters, "ui_locales"),
    logoutHint: single(parameters, "logout_hint"),
  };
}

/** §2: the client that the ID token was issued to, which `client_id` must name where it is there. */
async function clientOf({ db, issuer }: Pick<Deps, "db" | "issuer">, aud: unknown, claimedId: string): Promise<StoredClient> {
  const audience = (Array.isArray(aud) ? aud : [aud]).filter((each) => typeof each === "string");
  if (claimedId !== "" && !audience.includes(claimedId)) throw new OAuthError("invalid_request", "'client_id' is not the client that 'id_token_hint' was issued to");
  const client = await getClient(db, issuer, claimedId || (audience[0] ?? ""));
  if (client === undefined) throw new OAuthError("invalid_request", "'id_token_hint' was issued to a client that is registered no more");
  return client;
}

async function claimedClient({ db, issuer }: Pick<Deps, "db" | "issuer">, clientId: string): Promise<StoredClient | undefined> {
  if (clientId === "") return undefined;
  const client = await getClient(db, issuer, clientId);
  if (client === undefined) throw new OAuthError("invalid_request", "'client_id' names no client that is registered here");
  return client;
}

/** §3.1: as it was registered, to the letter. */
function requirePostLogoutRedirectUri(client: StoredClient | undefined, uri: string): void {
  if (client === undefined) throw new OAuthError("invalid_request", "'post_logout_redirect_uri' needs 'id_token_hint' or 'client_id': it is not known whose it is");
  if (!isPostLogoutRedirectUri(client, uri)) throw new OAuthError("invalid_request", "'post_logout_redirect_uri' is none that the client has registered");
}

/** Whether a client has registered a place where its logouts end. */
export function isPostLogoutRedirectUri({ record: { client } }: StoredClient, uri: string): boolean {
  return client.postLogoutRedirectUris.includes(uri);
}
