import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { LogoutSchema } from "#gen/writ/admin/v1/logout_service_pb.ts";
import type { LogoutChallenge } from "#gen/writ/store/v1/logout_pb.ts";
import { timeOf, toHex } from "#lib/id.ts";
import type { EpochMillis } from "#lib/time.ts";
import { flowExpiry } from "../authorize/sealed.ts";
import type { Deps } from "../deps.ts";
import { openLogout, sealLogout } from "../logout/sealed.ts";
import { getSameClient } from "../store/clients.ts";
import { requireChallenge } from "./challenge.ts";

/** What answering logout requests needs. */
export type LogoutHandshakeDeps = Pick<Deps, "db" | "issuer" | "config" | "settings" | "sealer" | "log">;

/** What the logout app is to ask. @throws OAuthError invalid_request, request_unauthorized, Not Found */
export async function getLogout(deps: LogoutHandshakeDeps, sealed: string, now: EpochMillis): Promise<MessageInitShape<typeof LogoutSchema>> {
  const challenge = open(deps, sealed, now);
  const { id, subject, sessions, ownSession } = challenge;
  const client = challenge.rpInitiated && challenge.client !== undefined ? await getSameClient(deps.db, deps.issuer, challenge.client) : undefined;
  const shown = client?.record.client;
  return {
    challenge: sealed,
    subject,
    sid: sessions[0] === undefined ? "" : toHex(sessions[0].id),
    requestUrl: requestUrl(deps, challenge),
    rpInitiated: shown !== undefined,
    requestedAt: timestampFromMs(timeOf(id)),
    expiresAt: timestampFromMs(flowExpiry(deps, id)),
    // An ID token of another session is no reason to log this browser out unasked (OIDC RP-Initiated Logout §2, §6).
    ...(shown === undefined ? {} : { client: ownSession || shown.skipLogoutConsent === undefined ? shown : { ...shown, skipLogoutConsent: false } }),
  };
}

/** Says that the person wants to log out, as often as the app likes. Nothing ends before the bound browser brings the verifier back. */
export function acceptLogout(deps: LogoutHandshakeDeps, sealed: string, now: EpochMillis): string {
  const verifier = sealLogout(deps, "logout_verifier", open(deps, sealed, now));
  deps.log.info("logout_accepted");
  return `${deps.settings.publicUrl}/oauth2/sessions/logout?logout_verifier=${verifier}`;
}

/** Says that the person stays. Writes nothing. */
export function rejectLogout(deps: LogoutHandshakeDeps, sealed: string, now: EpochMillis): void {
  open(deps, sealed, now);
  deps.log.info("logout_rejected");
}

function open(deps: LogoutHandshakeDeps, sealed: string, now: EpochMillis): LogoutChallenge {
  return requireChallenge(deps, { name: "logout_challenge", what: "logout request" }, sealed, openLogout(deps, "logout_challenge", sealed), now);
}

/** The request's URL, made again from what is known of it. */
function requestUrl({ settings }: LogoutHandshakeDeps, { client, postLogoutRedirectUri, state, uiLocales, logoutHint }: LogoutChallenge): string {
  const query = new URLSearchParams();
  const sent = { client_id: client?.clientId, post_logout_redirect_uri: postLogoutRedirectUri, state, ui_locales: uiLocales, logout_hint: logoutHint };
  for (const [name, value] of Object.entries(sent)) if (value !== undefined && value !== "") query.append(name, value);
  return `${settings.publicUrl}/oauth2/sessions/logout${query.size === 0 ? "" : `?${query}`}`;
}
