import { Code, ConnectError } from "@connectrpc/connect";
import { oauthErrorOf } from "#sdk/index.ts";

/** What went wrong, for people, and the HTTP status of the page that says so. */
export interface Failure {
  readonly status: 400 | 403 | 404 | 410 | 500 | 503;
  readonly title: string;
  readonly text: string;
}

/** A form that was not made here, or for another browser. */
export const UNPROVED: Failure = {
  status: 403,
  title: "This form is out of date",
  text: "It was opened in another browser, or a while ago. Go back to the application and start again.",
};

/** A page without the challenge that it is about. */
export const NO_CHALLENGE: Failure = {
  status: 400,
  title: "There is nothing to do here",
  text: "This page is part of signing in to an application. Start at the application; it brings you back here.",
};

const TOO_MANY: Failure = { status: 403, title: "Too many wrong codes", text: "Wait a while, then have the device show a new code and start again." };
const EXPIRED: Failure = { status: 410, title: "This took too long", text: "The request has expired. Go back to the application and start again." };
const UNKNOWN: Failure = {
  status: 404,
  title: "This request is not known",
  text: "It may be over already, or the application was removed. Go back to the application and start again.",
};
const AWAY: Failure = { status: 503, title: "Signing in is not possible right now", text: "Wait a moment, then load the page again." };
const BROKEN: Failure = { status: 500, title: "Something went wrong", text: "Try again in a moment. If it happens again, tell whoever runs this service." };

/** What a failed call to Writ comes to. */
export function toFailure(error: unknown): Failure {
  if (!(error instanceof ConnectError)) return BROKEN;
  if (oauthErrorOf(error) === "request_unauthorized") return EXPIRED;
  if (oauthErrorOf(error) === "access_denied") return TOO_MANY; // of all that the apps ask, only user codes are refused so
  if (error.code === Code.NotFound) return UNKNOWN;
  if (error.code === Code.InvalidArgument) return { ...NO_CHALLENGE, text: "The answer was not accepted. Go back to the application and start again." };
  return [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled, Code.Aborted].includes(error.code) ? AWAY : BROKEN;
}
