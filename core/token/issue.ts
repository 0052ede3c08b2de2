import { create, toBinary } from "@bufbuild/protobuf";
import { AccessTokenSchema, type TokenHandle, TokenHandleSchema } from "#gen/writ/store/v1/token_pb.ts";
import { parseDuration } from "#lib/duration.ts";
import { makeTimeId } from "#lib/id.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import type { StoredClient } from "../model/client.ts";
import { signJwt } from "./jwt.ts";

/** What is needed to issue. */
export type IssueDeps = Pick<Deps, "issuer" | "random" | "sealer" | "keys" | "settings" | "config">;

/** A new access token. Lifetime in seconds. */
export interface IssuedAccessToken {
  readonly accessToken: string;
  readonly expiresIn: number;
}

/** What a new access token shall say. */
export interface AccessTokenContent {
  readonly client: StoredClient;
  readonly scope: readonly string[];
  readonly audience: readonly string[];
  /** Lifespan that the client has for this grant type, as it is stored: `1h30m0s`. */
  readonly lifespan: string | undefined;
}

/**
 * Issues an access token that depends on no row but its client's: nothing is written. What ends it is the client's epoch
 * or incarnation, or a `revoked_token` row of its own.
 */
export async function issueRowlessAccessToken(deps: IssueDeps, content: AccessTokenContent, now: EpochMillis): Promise<IssuedAccessToken> {
  const { client } = content;
  const handle = create(TokenHandleSchema, {
    issuer: deps.issuer,
    state: { case: "rowless", value: makeTimeId(now, deps.random) },
    clientIncarnation: client.incarnation,
    tokenEpoch: client.tokenEpoch,
  });
  const expiresIn = lifetimeSeconds(content.lifespan, deps.config.ttl.access_token);
  const strategy = client.record.client.accessTokenStrategy || deps.config.strategies.access_token;
  const accessToken = strategy === "jwt" ? await signAccessToken(deps, handle, content, expiresIn, now) : sealAccessToken(deps, handle, content, expiresIn, now);
  return { accessToken, expiresIn };
}

function sealAccessToken(deps: IssueDeps, handle: TokenHandle, { client, scope, audience }: AccessTokenContent, expiresIn: number, now: EpochMillis): string {
  const issuedAt = toSeconds(now);
  const token = create(AccessTokenSchema, {
    handle,
    clientId: client.record.client.clientId,
    scope: [...scope],
    audience: [...audience],
    issuedAt,
    expiresAt: issuedAt + expiresIn,
  });
  return deps.sealer.seal("access_token", toBinary(AccessTokenSchema, token));
}

/** RFC 9068 §2.2. The `jti` is the handle: it is all that introspection and revocation need. */
async function signAccessToken(deps: IssueDeps, handle: TokenHandle, { client, scope, audience }: AccessTokenContent, expiresIn: number, now: EpochMillis): Promise<string> {
  const { jwt, issuerUrl } = deps.settings;
  const key = await deps.keys.current("hydra.jwt.access-token", jwt.alg, now);
  const issuedAt = toSeconds(now);
  const clientId = client.record.client.clientId;
  return signJwt(key, jwt.typ, {
    iss: issuerUrl,
    sub: clientId,
    aud: audience.length > 0 || jwt.hydraClaims ? audience : [issuerUrl], // RFC 9068 §3: a default where none was asked for
    client_id: clientId,
    iat: issuedAt,
    nbf: jwt.hydraClaims ? issuedAt : undefined,
    exp: issuedAt + expiresIn,
    jti: Buffer.from(toBinary(TokenHandleSchema, handle)).toString("base64url"),
    scope: jwt.scopeClaim === "list" || scope.length === 0 ? undefined : scope.join(" "),
    scp: jwt.scopeClaim === "string" ? undefined : scope,
    ext: jwt.hydraClaims ? {} : undefined,
  });
}

/** Whole seconds, at least one: what lives shorter could not be used. */
function lifetimeSeconds(lifespan: string | undefined, fallbackMillis: number): number {
  const milliseconds = lifespan === undefined ? fallbackMillis : (parseDuration(lifespan) ?? fallbackMillis);
  return Math.max(1, Math.floor(milliseconds / 1000));
}
