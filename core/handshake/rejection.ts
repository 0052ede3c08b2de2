import { create } from "@bufbuild/protobuf";
import type { Rejection } from "#gen/writ/admin/v1/handshake_pb.ts";
import { type ErrorAnswer, ErrorAnswerSchema } from "#gen/writ/store/v1/grant_pb.ts";
import { describable, OAuthError } from "#lib/errors.ts";
import type { Deps } from "../deps.ts";

/** Longest text that an app may put into a URL of the client. */
const MAX_DESCRIPTION = 1000;

/**
 * The error that an app wants the client to get, in the form that the client gets it. What is for the log is written there.
 * @throws OAuthError invalid_request naming the member
 * @see RFC 6749 §4.1.2.1
 */
export function toErrorAnswer({ log, settings }: Pick<Deps, "log" | "settings">, rejection: Rejection | undefined, what: "login" | "consent"): ErrorAnswer {
  const { error = "", errorDescription = "", errorHint = "", errorDebug = "", statusCode = 0 } = rejection ?? {};
  // %x20-21 / %x23-5B / %x5D-7E (RFC 6749 §4.1.2.1)
  if (error.length > 100 || describable(error) !== error) throw new OAuthError("invalid_request", "'error' holds a character that no error code may have, or is too long");
  const code = error || (settings.compatHydra ? `${what} request denied` : "access_denied");
  log.info(what === "login" ? "login_rejected" : "consent_rejected", { error: code, ...(errorDebug === "" ? {} : { debug: errorDebug.slice(0, MAX_DESCRIPTION) }) });
  const description = [errorDescription || (error === "" ? `The ${what} request was denied` : ""), errorHint].filter((text) => text !== "").join(" ");
  return create(ErrorAnswerSchema, {
    error: code,
    errorDescription: describable(description).slice(0, MAX_DESCRIPTION),
    statusCode: statusCode >= 400 && statusCode < 600 ? statusCode : 0,
  });
}
