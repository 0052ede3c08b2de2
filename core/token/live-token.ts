import { equalBytes } from "#lib/hash.ts";
import { type EpochMillis, toSeconds } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { isAlive, refreshPlace } from "../model/grant.ts";
import type { PresentedToken, TokenContent, TokenFacts } from "../model/token-facts.ts";
import type { TokenGrant, TokenState, TokenStateQuery } from "../model/token-state.ts";
import { sessionClaims } from "./session-claims.ts";

/** What judging tokens needs. */
export type LiveTokenDeps = Pick<Deps, "settings" | "sealer">;

/** A token that is good now. */
export interface LiveToken {
  readonly facts: TokenFacts;
  /** Undefined: it depends on no grant. */
  readonly grant: TokenGrant | undefined;
}

/** What has to be read to know whether a token lives. Undefined: it cannot any more, or has a form of state that no token of this version has. */
export function stateQuery({ handle, said, expiresAt }: PresentedToken, now: EpochMillis): TokenStateQuery | undefined {
  if (expiresAt <= toSeconds(now)) return undefined; // RFC 7519 §4.1.4: on or after `exp` it is not accepted
  if (handle.state.case === "grant") return { clientId: "", rowless: undefined, subject: undefined, grant: { id: handle.state.value.id } };
  if (handle.state.case !== "rowless" || said === undefined) return undefined;
  return { clientId: said.clientId, rowless: handle.state.value, subject: said.subject === "" ? undefined : said.subject };
}

/** What is known of a token, if it lives: what was captured when it was issued must be what holds now, to the letter. */
export function judge(deps: LiveTokenDeps, token: PresentedToken, state: TokenState, now: EpochMillis): LiveToken | undefined {
  const { grant } = state;
  if (token.handle.state.case === "rowless") return token.said !== undefined && isLiveRowless(token, state) ? { facts: factsOf(token, token.said), grant: undefined } : undefined;
  if (grant === undefined || !isLiveOfGrant(deps, token, state, grant, now)) return undefined;
  const content = token.said === undefined ? contentOf(deps, grant, token.narrowed) : withSession(deps, withSubject(deps, token.said, grant), grant);
  return content === undefined ? undefined : { facts: factsOf(token, content), grant };
}

function isLiveRowless({ handle }: PresentedToken, state: TokenState): boolean {
  return !state.revoked && handle.grantEpoch === state.grantEpoch && isOfClient(handle, state);
}

function isLiveOfGrant({ settings }: LiveTokenDeps, { use, handle }: PresentedToken, state: TokenState, grant: TokenGrant, now: EpochMillis): boolean {
  const { client } = state;
  if (handle.state.case !== "grant" || !equalBytes(handle.state.value.birth, grant.birth) || !isAlive(grant, now)) return false;
  if (client === undefined || !equalBytes(client.incarnation, grant.clientIncarnation)) return false;
  if (grant.current.grantEpoch !== grant.grantEpoch || grant.current.consentEpoch !== grant.consentEpoch) return false;
  const { generation } = handle.state.value;
  if (use === "refresh_token") return grant.state === "active" && !["reused", "ahead"].includes(refreshPlace(grant, generation, now, settings.refresh.grace));
  return isOfClient(handle, state) && (!settings.refresh.revokesPrevious || generation === grant.generation);
}

/** Access tokens end with the client's epoch; refresh tokens and grants do not. */
function isOfClient({ clientIncarnation, tokenEpoch }: PresentedToken["handle"], { client }: TokenState): boolean {
  return client !== undefined && equalBytes(clientIncarnation, client.incarnation) && tokenEpoch === client.tokenEpoch;
}

/** A JWT's `sub` is what its client knows the subject by; under `compat: hydra` the subject. */
function withSubject({ settings }: LiveTokenDeps, said: TokenContent, grant: TokenGrant): TokenContent {
  const { subject } = grant;
  if (settings.compatHydra) return { ...said, subject, obfuscatedSubject: grant.record().obfuscatedSubject };
  return said.subject === subject ? said : { ...said, subject, obfuscatedSubject: said.subject };
}

/** A JWT may hold a part of the session's claims, or none; the grant has them all. */
function withSession({ settings, sealer }: LiveTokenDeps, said: TokenContent, grant: TokenGrant): TokenContent {
  return settings.jwt.ext === "all" ? said : { ...said, ext: sessionClaims(sealer, grant.record()).accessToken };
}

/** What the grant knows of its tokens. */
function contentOf({ sealer }: LiveTokenDeps, grant: TokenGrant, narrowed: readonly string[] | undefined): TokenContent | undefined {
  const record = grant.record();
  const { outcome } = record.consent ?? {};
  if (outcome?.case !== "accepted") return undefined;
  const { scope, audience } = outcome.value;
  return {
    clientId: grant.clientId,
    subject: grant.subject,
    obfuscatedSubject: record.obfuscatedSubject,
    scope: narrowed ?? scope,
    audience,
    ext: sessionClaims(sealer, record).accessToken,
  };
}

function factsOf({ use, handle, issuedAt, expiresAt, jti }: PresentedToken, content: TokenContent): TokenFacts {
  return { use, handle, issuedAt, expiresAt, jti, ...content };
}
