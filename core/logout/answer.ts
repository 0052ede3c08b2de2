import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EndSessionResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { withParameters } from "../authorize/response-modes.ts";
import type { Deps } from "../deps.ts";

/** What the browser gets, as the contract has it. */
export type LogoutAnswer = MessageInitShape<typeof EndSessionResponseSchema>;

/** Where a logout ends. */
export interface LogoutEnd {
  /** Empty: where the operator says. */
  readonly postLogoutRedirectUri: string;
  readonly state?: string | undefined;
}

/** The URL that a logout ends at. @see OIDC RP-Initiated Logout §3 */
export function endUrl({ config, settings }: Pick<Deps, "config" | "settings">, { postLogoutRedirectUri: uri, state }: LogoutEnd): string {
  if (uri === "") return config.urls.post_logout_redirect ?? `${settings.publicUrl}/oauth2/fallbacks/logout/callback`;
  return state === undefined ? uri : withParameters(uri, { state });
}

/** Sends the browser on. With 303 no browser posts again what it posted to us (RFC 9700 §4.12). */
export function sendTo(location: string): LogoutAnswer {
  return { answer: { case: "redirect", value: { location, status: 303 } } };
}
