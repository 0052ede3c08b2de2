import { create, type JsonObject } from "@bufbuild/protobuf";
import type { ExchangeTokenRequest } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type TokenSession, TokenSessionSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { isJsonObject } from "#lib/json.ts";
import type { Sealer } from "#lib/seal.ts";
import type { EpochMillis } from "#lib/time.ts";
import type { Deps } from "../deps.ts";
import { readJsonObject, writeJsonObject } from "../handshake/json.ts";
import { type SessionClaims, sealPayload } from "../handshake/session-payload.ts";
import type { Webhook, WebhookAnswer } from "../outbound/webhook.ts";
import { type HookedRequest, refreshHookBody, tokenHookBody } from "./hook-body.ts";

/** The web hooks that are configured; at least one is. */
export interface TokenHooks {
  /** Asked for every token request that has got so far. */
  readonly token: Webhook | undefined;
  /** Asked for refreshes, before the other. */
  readonly refresh: Webhook | undefined;
}

/** Largest `session.access_token` for a token without a row, which has to carry it. Bytes of JSON. */
const MAX_CARRIED = 8192;

/**
 * Asks the web hooks about a token request, before anything is spent: whatever they answer, code and refresh token are still
 * good when this throws. Gives the claims that they put in the place of the session's, both sets whole; undefined: none did.
 * @throws OAuthError access_denied when a hook refuses; server_error when it fails or answers what cannot be read
 */
export async function askTokenHooks(
  deps: Pick<Deps, "hooks" | "settings">,
  asked: HookedRequest,
  request: ExchangeTokenRequest,
  now: EpochMillis,
): Promise<SessionClaims | undefined> {
  const { hooks } = deps;
  if (hooks === undefined) return undefined;
  let changed: SessionClaims | undefined;
  const ask = async (name: HookName, hook: Webhook, bodyOf: typeof tokenHookBody): Promise<void> => {
    const body = JSON.stringify(bodyOf(deps, changed === undefined ? asked : { ...asked, claims: changed }, request, now));
    changed = (await answerOf(name, hook, body)) ?? changed;
  };
  if (hooks.refresh !== undefined && request.grantType === "refresh_token") await ask("oauth2.refresh_token_hook", hooks.refresh, refreshHookBody);
  if (hooks.token !== undefined) await ask("oauth2.token_hook", hooks.token, tokenHookBody);
  if (changed !== undefined && asked.isCarried && JSON.stringify(changed.accessToken ?? {}).length > MAX_CARRIED)
    throw failed("oauth2.token_hook", `session.access_token is larger than ${MAX_CARRIED} bytes of JSON, which is the most that a token without a grant can carry`);
  return changed;
}

/** The claims as a grant keeps them. */
export function sealTokenSession(sealer: Sealer, claims: SessionClaims): TokenSession {
  const payload = { accessToken: writeJsonObject("session.access_token", claims.accessToken), idToken: writeJsonObject("session.id_token", claims.idToken) };
  return create(TokenSessionSchema, { sealedSession: sealPayload(sealer, payload) });
}

type HookName = "oauth2.token_hook" | "oauth2.refresh_token_hook";

async function answerOf(name: HookName, hook: Webhook, body: string): Promise<SessionClaims | undefined> {
  let answer: WebhookAnswer;
  try {
    answer = await hook.post(body);
  } catch (cause) {
    throw failed(name, "no answer came", cause);
  }
  switch (answer.status) {
    case 200:
      return readSession(name, answer.text);
    case 204:
      return undefined;
    case 403:
      throw new OAuthError("access_denied", "The resource owner or authorization server denied the request: the web hook of this server refused it");
    default:
      throw failed(name, `the answer has status ${answer.status}`);
  }
}

/** As Hydra: what is there replaces, what is missing is emptied. */
function readSession(name: HookName, text: string): SessionClaims {
  let answer: unknown;
  try {
    // A member of this name would be lost or worse wherever objects are put together.
    answer = JSON.parse(text, (key, value: unknown) => (key === "__proto__" ? undefined : value));
  } catch (cause) {
    throw failed(name, "the answer is no JSON", cause);
  }
  const session = isJsonObject(answer) ? (answer.session ?? {}) : undefined;
  if (!isJsonObject(session)) throw failed(name, "the answer is not of the form {'session': {'access_token': {…}, 'id_token': {…}}}");
  return { accessToken: claimsIn(name, "access_token", session.access_token), idToken: claimsIn(name, "id_token", session.id_token) };
}

function claimsIn(name: HookName, member: string, value: unknown): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw failed(name, `session.${member} is no object`);
  try {
    return readJsonObject(writeJsonObject(`session.${member}`, value)); // as it will be read back: 1e999 is none any more, say
  } catch (cause) {
    throw failed(name, `session.${member} is too large`, cause);
  }
}

/** The client learns that it is not its fault; why is for the log. */
function failed(name: HookName, why: string, cause?: unknown): OAuthError {
  return new OAuthError("server_error", "The web hook of this server could not be asked about the request; nothing was used up, so it can be made again", {
    cause: new Error(`${name}: ${why}`, cause === undefined ? undefined : { cause }),
  });
}
