import { OAuthError } from "#lib/errors.ts";
import { goTo, personPage, type ResponseError } from "../authorize/answer.ts";
import type { Answer } from "../authorize/response-modes.ts";
import type { Deps } from "../deps.ts";

type AnswerDeps = Pick<Deps, "config" | "settings" | "log">;

/** The device has its grant: the person may go back to it. */
export function deviceApproved({ config, settings, log }: AnswerDeps, clientId: string): Answer {
  log.info("device_code_approved", { client_id: clientId });
  const { success = `${settings.publicUrl}/oauth2/fallbacks/device/done` } = config.urls.device;
  return goTo(success, { client_id: clientId });
}

/** The person said no, or an app did: the device will be told, and here is what the app had to say. */
export function deviceDenied(deps: AnswerDeps, error: ResponseError, clientId: string): Answer {
  deps.log.info("device_code_denied", { client_id: clientId });
  return personPage(deps, error);
}

/** The request of a device was answered before, or its time is up. */
export function deviceGone(): OAuthError {
  return new OAuthError("access_denied", "The code has expired, or was used already: have the device show a new one");
}
