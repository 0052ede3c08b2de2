import { create, type JsonObject, toBinary } from "@bufbuild/protobuf";
import type { ExchangeTokenRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { AccessTokenSchema, type TokenHandle, TokenHandleSchema } from "#gen/writ/store/v1/token_pb.ts";
import { parseDuration } from "#lib/duration.ts";
import { makeTimeId } from "#lib/id.ts";
import { parseScope } from "#lib/scope.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { SigningKey } from "../keys/signing-keys.ts";
import type { StoredClient } from "../model/client.ts";
import { type Claims, signJwt } from "./jwt.ts";
import { askTokenHooks } from "./token-hooks.ts";

/** What is needed to issue. */
export type IssueDeps = Pick<Deps, "db" | "issuer" | "random" | "sealer" | "keys" | "remoteKeys" | "settings" | "config" | "log" | "hooks">;

/** A new access token. Lifetime in seconds. */
export interface IssuedAccessToken {
  readonly accessToken: string;
  readonly expiresIn: number;
}

/** What a new access token shall say. */
export interface AccessTokenContent {
  readonly client: StoredClient;
  /** Empty: the client itself. */
  readonly subject: string;
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  readonly ext: JsonObject | undefined;
  /** Lifetime in seconds. */
  readonly expiresIn: number;
  /** `subject.grant_epoch`, of a rowless token with a subject of its own. */
  readonly grantEpoch?: number;
}

/**
 * Issues an access token that depends on no row but its client's: nothing is written. What ends it is the client's epoch
 * or incarnation, its subject's epoch, or a `revoked_token` row of its own. Web hooks are asked about `request` before.
 * @throws OAuthError access_denied, server_error when a hook refuses or fails
 */
export async function issueRowlessAccessToken(deps: IssueDeps, wanted: AccessTokenContent, request: ExchangeTokenRequest, now: EpochMillis): Promise<IssuedAccessToken> {
  const { client, expiresIn } = wanted;
  const handle = create(TokenHandleSchema, {
    issuer: deps.issuer,
    state: { case: "rowless", value: makeTimeId(now, deps.random) },
    clientIncarnation: client.incarnation,
    tokenEpoch: client.tokenEpoch,
    grantEpoch: wanted.grantEpoch ?? 0,
  });
  const key = await accessTokenKey(deps, client, now);
  const content = deps.hooks === undefined ? wanted : await askAbout(deps, wanted, key, request, now);
  return { accessToken: key === undefined ? sealAccessToken(deps, handle, content, now) : signAccessToken(deps, key, handle, content, now), expiresIn };
}

/** What the token shall say once the web hooks have been asked. */
async function askAbout(deps: IssueDeps, content: AccessTokenContent, key: SigningKey | undefined, request: ExchangeTokenRequest, now: EpochMillis): Promise<AccessTokenContent> {
  const { client, subject, scope, audience, ext, expiresIn } = content;
  const asked = {
    clientId: client.record.client.clientId,
    subject,
    scope,
    audience,
    requestedScope: parseScope(request.scope) ?? [],
    claims: { accessToken: ext, idToken: undefined },
    grant: undefined,
    kid: key?.kid ?? "",
    lifetimes: { accessToken: expiresIn, refreshToken: undefined },
    isCarried: true,
  };
  const changed = await askTokenHooks(deps, asked, request, now);
  return changed === undefined ? content : { ...content, ext: changed.accessToken };
}

/** The key that signs a client's access tokens. Undefined: they are opaque. */
export function accessTokenKey({ keys, settings, config }: IssueDeps, client: StoredClient, now: EpochMillis): Promise<SigningKey> | undefined {
  const strategy = client.record.client.accessTokenStrategy || config.strategies.access_token;
  return strategy === "jwt" ? keys.current("hydra.jwt.access-token", settings.jwt.alg, now) : undefined;
}

function sealAccessToken(deps: IssueDeps, handle: TokenHandle, { client, subject, scope, audience, ext, expiresIn }: AccessTokenContent, now: EpochMillis): string {
  const issuedAt = toSeconds(now);
  const token = create(AccessTokenSchema, {
    handle,
    clientId: client.record.client.clientId,
    subject,
    scope: [...scope],
    audience: [...audience],
    issuedAt,
    expiresAt: issuedAt + expiresIn,
    ...(ext === undefined ? {} : { ext }),
  });
  return deps.sealer.seal("access_token", toBinary(AccessTokenSchema, token));
}

/** RFC 9068 §2.2. The `jti` is the handle: it is all that introspection and revocation need. */
export function signAccessToken(
  deps: Pick<Deps, "settings">,
  key: SigningKey,
  handle: TokenHandle,
  { client, subject, scope, audience, ext, expiresIn }: AccessTokenContent,
  now: EpochMillis,
): string {
  const { jwt, issuerUrl } = deps.settings;
  const issuedAt = toSeconds(now);
  const clientId = client.record.client.clientId;
  return signJwt(key, jwt.typ, {
    iss: issuerUrl,
    sub: subject || clientId,
    aud: audience.length > 0 || jwt.hydraClaims ? audience : [issuerUrl], // RFC 9068 §3: a default where none was asked for
    client_id: clientId,
    iat: issuedAt,
    nbf: jwt.hasNotBefore ? issuedAt : undefined,
    exp: issuedAt + expiresIn,
    jti: Buffer.from(toBinary(TokenHandleSchema, handle)).toString("base64url"),
    scope: jwt.scopeClaim === "list" || scope.length === 0 ? undefined : scope.join(" "),
    scp: jwt.scopeClaim === "string" ? undefined : scope,
    ...sessionClaimsOf(jwt, ext),
  });
}

/** The claims that consent app or web hook attached, at the top and in `ext`, as is configured (hydra.md §6.4). */
function sessionClaimsOf({ topLevel, ext: which, hydraClaims }: Deps["settings"]["jwt"], session: JsonObject | undefined): Claims {
  const atTop = Object.fromEntries(topLevel.flatMap((name) => (session !== undefined && Object.hasOwn(session, name) ? [[name, session[name]]] : [])));
  if (which === "none") return atTop;
  const inside = which === "all" ? (session ?? {}) : Object.fromEntries(Object.entries(session ?? {}).filter(([name]) => !Object.hasOwn(atTop, name)));
  const isSaid = Object.keys(inside).length > 0 || (hydraClaims && which === "all");
  return { ...atTop, ext: isSaid ? inside : undefined };
}

/** How long something lives: as the client has it, else as is configured. Whole seconds, at least one: what lives shorter could not be used. */
export function lifetimeSeconds(lifespan: string | undefined, fallbackMillis: number): number {
  const milliseconds = lifespan === undefined ? fallbackMillis : (parseDuration(lifespan) ?? fallbackMillis);
  return Math.max(1, Math.floor(milliseconds / 1000));
}
