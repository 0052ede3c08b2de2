import { isDeepStrictEqual } from "node:util";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ExchangeTokenRequest, ExchangeTokenResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { TokenSession } from "#gen/writ/store/v1/grant_pb.ts";
import { AccessTokenSchema, RefreshTokenSchema, TokenHandleSchema } from "#gen/writ/store/v1/token_pb.ts";
import { type EpochMillis, fromSeconds, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { SessionClaims } from "../handshake/session-payload.ts";
import type { SigningKey } from "../keys/signing-keys.ts";
import type { StoredClient } from "../model/client.ts";
import type { Grant } from "../model/grant.ts";
import { type Encryption, encrypt, encryptionFor } from "./encrypt.ts";
import { type IdTokenContent, idTokenKey, signIdToken } from "./id-token.ts";
import { accessTokenKey, type IssueDeps, type IssuedAccessToken, lifetimeSeconds, signAccessToken } from "./issue.ts";
import { sessionClaims } from "./session-claims.ts";
import { askTokenHooks, sealTokenSession } from "./token-hooks.ts";

/** Lifetimes of what one answer holds, in seconds. */
export interface Lifetimes {
  readonly accessToken: number;
  readonly refreshToken: number;
  readonly idToken: number;
}

/** Lifetimes of what one answer holds: as the client has them for its grant type, else as is configured. */
export function lifetimesOf({ config, settings }: Pick<Deps, "config" | "settings">, ofClient: Readonly<Record<keyof Lifetimes, string | undefined>>): Lifetimes {
  return {
    accessToken: lifetimeSeconds(ofClient.accessToken, config.ttl.access_token),
    refreshToken: lifetimeSeconds(ofClient.refreshToken, settings.ttl.refreshToken),
    idToken: lifetimeSeconds(ofClient.idToken, config.ttl.id_token),
  };
}

/** What an answer may hold. */
export interface Parts {
  readonly accessToken: boolean;
  readonly refreshToken: boolean;
  readonly idToken: boolean;
}

/** Of the token endpoint. */
const ALL_PARTS: Parts = { accessToken: true, refreshToken: true, idToken: true };

/** All that issuing needs and that could fail, gathered before a code or refresh token is spent. */
export interface Issuing {
  readonly client: StoredClient;
  /** Of the access token. */
  readonly scope: readonly string[];
  /** The access token has fewer scopes than the grant. */
  readonly isNarrowed: boolean;
  readonly audience: readonly string[];
  readonly lifetimes: Lifetimes;
  readonly withRefreshToken: boolean;
  /** Undefined: the access token is opaque. */
  readonly accessKey: SigningKey | undefined;
  /** Undefined: there is no ID token. */
  readonly idKey: SigningKey | undefined;
  /** Undefined: it is not encrypted. */
  readonly idEncryption: Encryption | undefined;
  readonly isRefresh: boolean;
  readonly claims: SessionClaims;
  /** What web hooks put in place of the grant's session, for the update that spends code or refresh token. Undefined: nothing. */
  readonly session: TokenSession | undefined;
  /** Expiry of the last of what will be issued. */
  readonly expiresAt: EpochMillis;
}

/** Scopes that bring a refresh token (OIDC Core §11; `offline` is Hydra's). */
const OFFLINE = ["offline_access", "offline"];

/** Whether a grant was given for the time when its subject is away. */
export function isOffline(scope: readonly string[]): boolean {
  return OFFLINE.some((name) => scope.includes(name));
}

/** For whom and of what tokens are issued. */
export interface IssuingRequest {
  readonly client: StoredClient;
  readonly grant: Grant;
  /** Undefined: all that was granted. */
  readonly scope: readonly string[] | undefined;
  readonly lifetimes: Lifetimes;
  /** The token request that web hooks are asked about. Undefined: none is, since nothing can come of it, or it is no token request. */
  readonly request: ExchangeTokenRequest | undefined;
  readonly parts?: Parts;
  /** It is a refresh token that buys them. */
  readonly isRefresh?: boolean;
}

/**
 * Gathers what is needed to issue the tokens of a grant, and asks the web hooks.
 * @throws OAuthError access_denied, server_error when a hook refuses or fails
 */
export async function prepareIssuing(
  deps: IssueDeps,
  { client, grant, scope, lifetimes, request, parts = ALL_PARTS, isRefresh = false }: IssuingRequest,
  now: EpochMillis,
): Promise<Issuing> {
  const { outcome } = grant.record.consent ?? {};
  if (outcome?.case !== "accepted") throw new Error("tokens of a grant that was not consented to");
  const { scope: granted, audience } = outcome.value;
  const withRefreshToken = parts.refreshToken && isOffline(granted) && client.record.client.grantTypes.includes("refresh_token");
  const withIdToken = parts.idToken && granted.includes("openid");
  const ofTokens = Math.max(parts.accessToken ? lifetimes.accessToken : 0, withRefreshToken ? lifetimes.refreshToken : 0);
  const accessKey = parts.accessToken ? await accessTokenKey(deps, client, now) : undefined;
  const idKey = withIdToken ? await idTokenKey(deps, client.record.client, now) : undefined;
  const idEncryption = withIdToken ? await encryptionFor(deps, client, "id_token", now) : undefined;
  const claims = sessionClaims(deps.sealer, grant.record);
  const asked = {
    clientId: grant.clientId,
    subject: grant.subject,
    scope: granted,
    audience,
    requestedScope: grant.record.request?.scope ?? [],
    claims,
    grant,
    kid: (idKey ?? accessKey)?.kid ?? "",
    lifetimes: { accessToken: lifetimes.accessToken, refreshToken: withRefreshToken ? lifetimes.refreshToken : undefined },
    isCarried: false,
  };
  const changed = request === undefined || deps.hooks === undefined ? undefined : await askTokenHooks(deps, asked, request, now);
  return {
    client,
    scope: scope ?? granted,
    isNarrowed: scope !== undefined && scope.length < granted.length,
    audience,
    lifetimes,
    withRefreshToken,
    accessKey,
    idKey,
    idEncryption,
    isRefresh,
    claims: changed ?? claims,
    session: changed === undefined || isDeepStrictEqual(changed, claims) ? undefined : sealTokenSession(deps.sealer, changed),
    expiresAt: fromSeconds(toSeconds(now) + (parts.accessToken ? ofTokens : lifetimes.idToken)),
  };
}

/** Issues the tokens of a grant as it is now. Nothing that is issued outlives the row. */
export async function issueOfGrant(deps: IssueDeps, issuing: Issuing, grant: Grant, now: EpochMillis): Promise<MessageInitShape<typeof ExchangeTokenResponseSchema>> {
  const { scope, lifetimes, withRefreshToken } = issuing;
  const issuedAt = toSeconds(now);
  const left = leftSeconds(grant, now);
  const { accessToken, expiresIn } = issueAccessToken(deps, issuing, grant, now);
  return {
    accessToken,
    tokenType: deps.settings.tokenType,
    expiresIn,
    scope: scope.join(" "),
    refreshToken: withRefreshToken ? sealRefreshToken(deps, grant, issuedAt, issuedAt + Math.min(lifetimes.refreshToken, left)) : "",
    idToken: await issueIdToken(deps, issuing, { grant, accessToken }, now),
  };
}

/** Issues the access token of a grant as it is now. */
export function issueAccessToken(deps: IssueDeps, issuing: Issuing, grant: Grant, now: EpochMillis): IssuedAccessToken {
  const { client, lifetimes } = issuing;
  const expiresIn = Math.min(lifetimes.accessToken, leftSeconds(grant, now));
  deps.log.info("token_issued", { client_id: client.record.client.clientId, generation: grant.generation });
  return { accessToken: makeAccessToken(deps, issuing, grant, expiresIn, now), expiresIn };
}

/** Issues the ID token of a grant, bound to what it comes with. Empty: there is none. */
export async function issueIdToken(
  deps: IssueDeps,
  { idKey, idEncryption, lifetimes, isRefresh }: Issuing,
  content: Omit<IdTokenContent, "expiresIn">,
  now: EpochMillis,
): Promise<string> {
  if (idKey === undefined) return "";
  const idToken = signIdToken(deps, idKey, { ...content, withoutNonce: isRefresh && !deps.settings.compatHydra, expiresIn: lifetimes.idToken }, now);
  return idEncryption === undefined ? idToken : encrypt(idEncryption, idToken, { nested: true });
}

function leftSeconds(grant: Grant, now: EpochMillis): number {
  return Math.max(1, toSeconds(grant.expiresAt) - toSeconds(now));
}

function makeAccessToken(deps: IssueDeps, issuing: Issuing, grant: Grant, expiresIn: number, now: EpochMillis): string {
  const { client, scope, isNarrowed, audience, accessKey, claims } = issuing;
  const handle = create(TokenHandleSchema, {
    issuer: deps.issuer,
    state: { case: "grant", value: { id: grant.id, birth: grant.birth, generation: grant.generation } },
    clientIncarnation: client.incarnation,
    tokenEpoch: client.tokenEpoch,
  });
  const subject = (!deps.settings.compatHydra && grant.record.obfuscatedSubject) || grant.subject;
  if (accessKey !== undefined) return signAccessToken(deps, accessKey, handle, { client, subject, scope, audience, ext: claims.accessToken, expiresIn }, now);
  const issuedAt = toSeconds(now);
  const token = create(AccessTokenSchema, { handle, scope: isNarrowed ? [...scope] : [], issuedAt, expiresAt: issuedAt + expiresIn });
  return deps.sealer.seal("access_token", toBinary(AccessTokenSchema, token));
}

function sealRefreshToken(deps: IssueDeps, { id, birth, generation }: Grant, issuedAt: number, expiresAt: number): string {
  const token = create(RefreshTokenSchema, { grant: { id, birth, generation }, issuedAt, expiresAt });
  return deps.sealer.seal("refresh_token", toBinary(RefreshTokenSchema, token));
}
