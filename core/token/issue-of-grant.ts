import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ExchangeTokenResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { AccessTokenSchema, RefreshTokenSchema, TokenHandleSchema } from "#gen/writ/store/v1/token_pb.ts";
import { isSignatureAlg } from "#lib/signature-algs.ts";
import { type EpochMillis, fromSeconds, toSeconds } from "#lib/time.ts";
import type { SessionClaims } from "../handshake/session-payload.ts";
import type { SigningKey } from "../keys/signing-keys.ts";
import type { StoredClient } from "../model/client.ts";
import type { Grant } from "../model/grant.ts";
import { type Encryption, encrypt, encryptionFor } from "./encrypt.ts";
import { signIdToken } from "./id-token.ts";
import { accessTokenKey, type IssueDeps, signAccessToken } from "./issue.ts";
import { sessionClaims } from "./session-claims.ts";

/** Lifetimes of what one answer holds, in seconds. */
export interface Lifetimes {
  readonly accessToken: number;
  readonly refreshToken: number;
  readonly idToken: number;
}

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
  readonly claims: SessionClaims;
  /** Expiry of the last of what will be issued. */
  readonly expiresAt: EpochMillis;
}

/** Scopes that bring a refresh token (OIDC Core §11; `offline` is Hydra's). */
const OFFLINE = ["offline_access", "offline"];

/** Whether a grant was given for the time when its subject is away. */
export function isOffline(scope: readonly string[]): boolean {
  return OFFLINE.some((name) => scope.includes(name));
}

/** Gathers what is needed to issue the tokens of a grant. `scope` undefined: all that was granted. */
export async function prepareIssuing(
  deps: IssueDeps,
  { client, grant, scope, lifetimes }: { readonly client: StoredClient; readonly grant: Grant; readonly scope: readonly string[] | undefined; readonly lifetimes: Lifetimes },
  now: EpochMillis,
): Promise<Issuing> {
  const { outcome } = grant.record.consent ?? {};
  if (outcome?.case !== "accepted") throw new Error("tokens of a grant that was not consented to");
  const { scope: granted, audience } = outcome.value;
  const withRefreshToken = isOffline(granted) && client.record.client.grantTypes.includes("refresh_token");
  const isOpenid = granted.includes("openid");
  const { idTokenSignedResponseAlg } = client.record.client;
  const longest = Math.max(lifetimes.accessToken, withRefreshToken ? lifetimes.refreshToken : 0);
  return {
    client,
    scope: scope ?? granted,
    isNarrowed: scope !== undefined && scope.length < granted.length,
    audience,
    lifetimes,
    withRefreshToken,
    accessKey: await accessTokenKey(deps, client, now),
    idKey: isOpenid ? await deps.keys.current("hydra.openid.id-token", isSignatureAlg(idTokenSignedResponseAlg) ? idTokenSignedResponseAlg : "RS256", now) : undefined,
    idEncryption: isOpenid ? await encryptionFor(deps, client, "id_token", now) : undefined,
    claims: sessionClaims(deps.sealer, grant.record),
    expiresAt: fromSeconds(toSeconds(now) + longest),
  };
}

/** Issues the tokens of a grant as it is now. Nothing that is issued outlives the row. */
export async function issueOfGrant(deps: IssueDeps, issuing: Issuing, grant: Grant, now: EpochMillis): Promise<MessageInitShape<typeof ExchangeTokenResponseSchema>> {
  const { client, scope, lifetimes, withRefreshToken, idKey, idEncryption } = issuing;
  const issuedAt = toSeconds(now);
  const left = Math.max(1, toSeconds(grant.expiresAt) - issuedAt);
  const expiresIn = Math.min(lifetimes.accessToken, left);
  const accessToken = makeAccessToken(deps, issuing, grant, expiresIn, now);
  const idToken = idKey === undefined ? "" : signIdToken(deps, idKey, { grant, accessToken, expiresIn: lifetimes.idToken }, now);
  deps.log.info("token_issued", { client_id: client.record.client.clientId, generation: grant.generation });
  return {
    accessToken,
    tokenType: deps.settings.tokenType,
    expiresIn,
    scope: scope.join(" "),
    refreshToken: withRefreshToken ? sealRefreshToken(deps, grant, issuedAt, issuedAt + Math.min(lifetimes.refreshToken, left)) : "",
    idToken: idEncryption === undefined ? idToken : await encrypt(idEncryption, idToken, { nested: true }),
  };
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
