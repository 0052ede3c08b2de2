import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { ExchangeTokenRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { timeOf, toHex } from "#lib/id.ts";
import { addMillis, type EpochMillis, toRfc3339 } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { SessionClaims } from "../handshake/session-payload.ts";
import type { Grant } from "../model/grant.ts";

/** A token request as web hooks are told of it: all is checked, nothing is spent. */
export interface HookedRequest {
  readonly clientId: string;
  /** Empty: the client itself. */
  readonly subject: string;
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  readonly requestedScope: readonly string[];
  /** What consent app or an earlier hook attached. */
  readonly claims: SessionClaims;
  /** Undefined: the token will depend on none. */
  readonly grant: Grant | undefined;
  /** Name of the key that signs the ID token, else the access token. Empty: neither is signed. */
  readonly kid: string;
  /** In seconds. Undefined: none will be issued. */
  readonly lifetimes: { readonly accessToken: number; readonly refreshToken: number | undefined };
  /** The access token itself has to carry its claims. */
  readonly isCarried: boolean;
}

/** What Go writes for a time that is not set. */
const NO_TIME = "0001-01-01T00:00:00Z";
/** Parameters that hooks are told; codes, tokens and secrets are for nobody else. */
const TOLD = new Set(["grant_type", "response_type", "scope", "client_id", "assertion"]);

/** Body of `oauth2.token_hook`, in Hydra's shape. */
export function tokenHookBody(deps: Pick<Deps, "settings">, asked: HookedRequest, request: ExchangeTokenRequest, now: EpochMillis): JsonObject {
  const { requestedScope, scope, audience, clientId } = asked;
  return {
    session: sessionOf(deps, asked, now),
    request: {
      client_id: clientId,
      requested_scopes: [...requestedScope],
      granted_scopes: [...scope],
      granted_audience: [...audience],
      grant_types: [request.grantType],
      payload: payloadOf(request),
    },
  };
}

/** Body of `oauth2.refresh_token_hook`, in Hydra's shape. */
export function refreshHookBody(deps: Pick<Deps, "settings">, asked: HookedRequest, request: ExchangeTokenRequest, now: EpochMillis): JsonObject {
  const common = { client_id: asked.clientId, granted_scopes: [...asked.scope], granted_audience: [...asked.audience] };
  return { subject: asked.subject, session: sessionOf(deps, asked, now), requester: { ...common, grant_types: [request.grantType] }, ...common };
}

function sessionOf({ settings }: Pick<Deps, "settings">, { clientId, subject, claims, grant, kid, lifetimes }: HookedRequest, now: EpochMillis): JsonObject {
  const { login, request } = grant?.record ?? {};
  const expiry = (seconds: number): string => toRfc3339(addMillis(now, seconds * 1000));
  const sid: JsonObject = grant?.sessionId === undefined ? {} : { sid: toHex(grant.sessionId) };
  return {
    id_token: {
      id_token_claims: {
        jti: "",
        iss: settings.issuerUrl,
        sub: grant?.record.obfuscatedSubject || subject || clientId,
        aud: [clientId],
        nonce: request?.nonce ?? "",
        exp: NO_TIME,
        iat: toRfc3339(now),
        rat: grant === undefined ? NO_TIME : toRfc3339(timeOf(grant.id)),
        auth_time: login === undefined ? NO_TIME : toRfc3339(login.authenticatedAt as EpochMillis),
        at_hash: "",
        acr: login?.acr ?? "",
        amr: [...(login?.amr ?? [])],
        c_hash: "",
        ext: { ...claims.idToken, ...sid },
      },
      headers: { extra: { kid } },
      expires_at: {
        access_token: expiry(lifetimes.accessToken),
        ...(lifetimes.refreshToken === undefined ? {} : { refresh_token: expiry(lifetimes.refreshToken) }),
      },
      username: "",
      subject: subject || clientId,
    },
    extra: claims.accessToken ?? {},
    kid,
    client_id: clientId,
    consent_challenge: grant === undefined ? "" : toHex(grant.id),
    exclude_not_before_claim: !settings.jwt.hasNotBefore,
    allowed_top_level_claims: [...settings.jwt.topLevel],
    mirror_top_level_claims: settings.jwt.ext === "all",
    preserve_ext_claims: settings.jwt.ext === "others",
  };
}

function payloadOf({ context }: ExchangeTokenRequest): JsonObject {
  const payload = new Map<string, JsonValue[]>();
  for (const { name, value } of context?.parameters ?? []) if (TOLD.has(name)) payload.set(name, [...(payload.get(name) ?? []), value]);
  return Object.fromEntries(payload);
}
