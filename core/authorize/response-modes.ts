import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AuthorizeResponseSchema } from "#gen/writ/oauth/v1/oauth_service_pb.ts";

/** What the browser gets, as the contract has it. */
export type Answer = MessageInitShape<typeof AuthorizeResponseSchema>;

/** Members of an authorization response, in their order. */
export type ResponseParameters = Readonly<Record<string, string>>;

/** One way for a response to reach the client. */
type ResponseMode = (redirectUri: string, parameters: ResponseParameters) => Answer;

/** Every response mode there is: a new one is a line here (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2). */
export const RESPONSE_MODES = {
  query: (redirectUri, parameters) => seeOther(withParameters(redirectUri, parameters)),
  fragment: (redirectUri, parameters) => seeOther(`${redirectUri}#${new URLSearchParams(parameters)}`),
  form_post: (redirectUri, parameters) => ({
    answer: { case: "formPost", value: { action: redirectUri, parameters: Object.entries(parameters).map(([name, value]) => ({ name, value })) } },
  }),
} as const satisfies Readonly<Record<string, ResponseMode>>;

/** Name of a response mode. */
export type ResponseModeName = keyof typeof RESPONSE_MODES;

/** Reads a `response_mode`. Undefined: there is no such mode. */
export function toResponseMode(name: string): ResponseModeName | undefined {
  return Object.hasOwn(RESPONSE_MODES, name) ? (name as ResponseModeName) : undefined;
}

/** Adds parameters to a URI that a client has registered; what it has stays as it is written. */
export function withParameters(uri: string, parameters: ResponseParameters): string {
  return uri + (uri.includes("?") ? (/[?&]$/.test(uri) ? "" : "&") : "?") + new URLSearchParams(parameters);
}

/** RFC 9700 §4.12: with 303 no browser posts again to the client what it posted to us. */
function seeOther(location: string): Answer {
  return { answer: { case: "redirect", value: { location, status: 303 } } };
}
