import { fromBinary, type JsonObject } from "@bufbuild/protobuf";
import { compactVerify, decodeProtectedHeader, errors } from "jose";
import { AccessTokenSchema, TokenHandleSchema } from "#gen/writ/store/v1/token_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { parseScope } from "#lib/scope.ts";
import type { Deps } from "../deps.ts";
import type { AccessTokenFacts } from "../model/access-token.ts";

const MAX_LENGTH = 16_384;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const TYPES = new Set(["at+jwt", "application/at+jwt", "JWT"]);

/**
 * Reads an access token of either form. Undefined: this server did not issue it. Says nothing about whether it lives.
 * @throws OAuthError temporarily_unavailable when it names a secret that is not configured here
 */
export async function readAccessToken(deps: Pick<Deps, "sealer" | "keys" | "issuer">, token: string): Promise<AccessTokenFacts | undefined> {
  if (token.length > MAX_LENGTH) return undefined;
  const opened = deps.sealer.open("access_token", token);
  if (opened.kind === "unknown_key") throw new OAuthError("temporarily_unavailable", "The token was sealed with a secret that this server does not have (yet)");
  const facts = opened.kind === "opened" ? parseSealed(opened.payload) : JWT.test(token) ? await readJwt(deps, token) : undefined;
  return facts?.handle.issuer === deps.issuer ? facts : undefined;
}

function parseSealed(payload: Uint8Array): AccessTokenFacts | undefined {
  const { handle, clientId, subject, scope, audience, issuedAt, expiresAt, ext } = fromBinary(AccessTokenSchema, payload);
  if (handle?.state.case === undefined) return undefined;
  const id = handle.state.case === "rowless" ? handle.state.value : handle.state.value.id;
  return { handle, clientId, subject, scope, audience, issuedAt, expiresAt, ext, jti: Buffer.from(id).toString("base64url") };
}

/** A JWT that we signed, whatever its `iss`: its `jti` names our state, and that is what we are asked about. */
async function readJwt(deps: Pick<Deps, "keys">, token: string): Promise<AccessTokenFacts | undefined> {
  const verified = await verifyJwt(deps, token);
  if (verified === undefined || !TYPES.has(verified.typ)) return undefined;
  const { jti, client_id, sub, exp, iat, aud, scope, scp, ext } = verified.claims;
  if (typeof jti !== "string" || typeof client_id !== "string" || typeof exp !== "number" || typeof iat !== "number") return undefined;
  const handle = fromBinary(TokenHandleSchema, Buffer.from(jti, "base64url"));
  if (handle.state.case === undefined) return undefined;
  return {
    handle,
    clientId: client_id,
    subject: typeof sub === "string" && sub !== client_id ? sub : "",
    scope: Array.isArray(scp) ? scp.filter((each) => typeof each === "string") : ((typeof scope === "string" ? parseScope(scope) : undefined) ?? []),
    audience: Array.isArray(aud) ? aud.filter((each) => typeof each === "string") : typeof aud === "string" ? [aud] : [],
    issuedAt: iat,
    expiresAt: exp,
    ext: isObject(ext) && Object.keys(ext).length > 0 ? ext : undefined,
    jti,
  };
}

async function verifyJwt(deps: Pick<Deps, "keys">, token: string): Promise<{ readonly typ: string; readonly claims: JsonObject } | undefined> {
  try {
    const { kid, alg, typ } = decodeProtectedHeader(token);
    if (typeof kid !== "string") return undefined;
    const key = await deps.keys.find("hydra.jwt.access-token", kid);
    // RFC 8725 §3.1: the key says which algorithm it is for, not the token.
    if (key === undefined || key.alg !== alg) return undefined;
    const { payload } = await compactVerify(token, key.publicKey, { algorithms: [key.alg] });
    const claims: unknown = JSON.parse(Buffer.from(payload).toString());
    return isObject(claims) ? { typ: typ ?? "", claims } : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
