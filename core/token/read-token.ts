import { hash } from "node:crypto";
import { create, fromBinary, type JsonObject } from "@bufbuild/protobuf";
import { AccessTokenSchema, type RefreshToken, RefreshTokenSchema, type TokenHandle, TokenHandleSchema } from "#gen/writ/store/v1/token_pb.ts";
import { halfHash } from "#lib/hash.ts";
import { isJsonObject } from "#lib/json.ts";
import { parseScope } from "#lib/scope.ts";
import { openSealed } from "#lib/seal.ts";
import type { Deps } from "../deps.ts";
import type { PresentedToken } from "../model/token-facts.ts";
import { ACCESS_TOKEN_CLAIMS } from "./jwt.ts";
import { verifyJwt } from "./verify-jwt.ts";

/** What reading tokens needs. */
export type ReadTokenDeps = Pick<Deps, "sealer" | "keys" | "issuer" | "openedTokens">;

const MAX_LENGTH = 16_384;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const TYPES = new Set(["at+jwt", "application/at+jwt", "JWT"]);

/**
 * Reads an access token of either form, or a refresh token. Undefined: this server did not issue it. Says nothing about
 * whether it lives.
 * @throws OAuthError temporarily_unavailable when it names a secret that is not configured here
 */
export async function readToken(deps: ReadTokenDeps, token: string): Promise<PresentedToken | undefined> {
  if (token.length > MAX_LENGTH) return undefined;
  const read = readKnown(deps, token) ?? (JWT.test(token) ? await readJwt(deps, token) : undefined);
  return read?.handle.issuer === deps.issuer ? read : undefined;
}

/** Reads a refresh token alone: what it says, with the place of its grant. The same errors. */
export function readRefreshToken(deps: Pick<Deps, "sealer">, token: string): RefreshToken | undefined {
  if (token.length > MAX_LENGTH) return undefined;
  const payload = openSealed(deps.sealer, "refresh_token", token, "The token");
  return payload === undefined ? undefined : fromBinary(RefreshTokenSchema, payload);
}

/** A service shows the same token again and again: what it says needs to be opened once. */
function readKnown(deps: ReadTokenDeps, token: string): PresentedToken | undefined {
  const digest = hash("sha256", token, "base64"); // so that no token lies in memory for longer than its request
  const known = deps.openedTokens.get(digest);
  if (known !== undefined) return known;
  const read = readSealed(deps, token);
  if (read !== undefined) deps.openedTokens.set(digest, read);
  return read;
}

function readSealed(deps: ReadTokenDeps, token: string): PresentedToken | undefined {
  const access = openSealed(deps.sealer, "access_token", token, "The token");
  if (access !== undefined) return parseAccessToken(access, token);
  const refresh = openSealed(deps.sealer, "refresh_token", token, "The token");
  return refresh === undefined ? undefined : parseRefreshToken(deps.issuer, refresh, token);
}

function parseAccessToken(payload: Uint8Array, token: string): PresentedToken | undefined {
  const { handle, clientId, subject, scope, audience, issuedAt, expiresAt, ext } = fromBinary(AccessTokenSchema, payload);
  if (handle?.state.case === undefined) return undefined;
  const common = { use: "access_token", handle, issuedAt, expiresAt } as const;
  if (handle.state.case === "rowless")
    return { ...common, jti: Buffer.from(handle.state.value).toString("base64url"), said: { clientId, subject, obfuscatedSubject: "", scope, audience, ext }, narrowed: undefined };
  return { ...common, jti: identify(token), said: undefined, narrowed: scope.length === 0 ? undefined : scope };
}

/** The issuer is in the associated data of what was opened. */
function parseRefreshToken(issuer: number, payload: Uint8Array, token: string): PresentedToken | undefined {
  const { grant, issuedAt, expiresAt } = fromBinary(RefreshTokenSchema, payload);
  if (grant === undefined) return undefined;
  const handle = create(TokenHandleSchema, { issuer, state: { case: "grant", value: grant } });
  return { use: "refresh_token", handle, issuedAt, expiresAt, jti: identify(token), said: undefined, narrowed: undefined };
}

/** Of a token whose handle is not its own alone: nobody makes the token again from it. */
function identify(token: string): string {
  return Buffer.from(halfHash(token)).toString("base64url");
}

/**
 * A JWT that we signed, whatever its `iss`: its `jti` names our state, and that is what we are asked about. One that another
 * server signed before its keys were brought here has some other `jti`, and none of our state.
 */
async function readJwt({ keys }: ReadTokenDeps, token: string): Promise<PresentedToken | undefined> {
  const verified = await verifyJwt(keys, "hydra.jwt.access-token", token);
  if (verified === undefined || !TYPES.has(verified.typ)) return undefined;
  const { jti, client_id, sub, exp, iat, aud, scope, scp } = verified.claims;
  if (typeof jti !== "string" || typeof client_id !== "string" || typeof exp !== "number" || typeof iat !== "number") return undefined;
  const handle = readHandle(jti);
  if (handle?.state.case === undefined) return undefined;
  return {
    use: "access_token",
    handle,
    issuedAt: iat,
    expiresAt: exp,
    jti,
    said: {
      clientId: client_id,
      subject: typeof sub === "string" && sub !== client_id ? sub : "",
      obfuscatedSubject: "",
      scope: Array.isArray(scp) ? scp.filter((each) => typeof each === "string") : ((typeof scope === "string" ? parseScope(scope) : undefined) ?? []),
      audience: Array.isArray(aud) ? aud.filter((each) => typeof each === "string") : typeof aud === "string" ? [aud] : [],
      ext: sessionClaimsIn(verified.claims),
    },
    narrowed: undefined,
  };
}

function readHandle(jti: string): TokenHandle | undefined {
  try {
    return fromBinary(TokenHandleSchema, Buffer.from(jti, "base64url"));
  } catch {
    return undefined;
  }
}

/** What of a JWT the session said: in `ext`, and what stands at the top without being the server's. */
function sessionClaimsIn({ ext, ...claims }: JsonObject): JsonObject | undefined {
  const found = { ...Object.fromEntries(Object.entries(claims).filter(([name]) => !ACCESS_TOKEN_CLAIMS.has(name))), ...(isJsonObject(ext) ? ext : {}) };
  return Object.keys(found).length > 0 ? found : undefined;
}
