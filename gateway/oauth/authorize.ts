import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type Exchange, type Handler, NO_STORE, send } from "../http/exchange.ts";
import { type Parameters, parseParameters, readForm } from "../http/form.ts";
import { oauthFailure, renderOAuthError } from "../http/render-error.ts";
import { sendErrorPage } from "../pages/error.ts";
import { sendFormPost } from "../pages/form-post.ts";
import { requestContext } from "./request.ts";

/** Authorization endpoint. @see RFC 6749 §3.1 */
export function authorizeEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    try {
      const parameters = await readParameters(exchange);
      if (parameters === undefined) return;
      const { answer, setCookie } = await oauth.authorize(
        { context: requestContext(exchange, parameters), cookie: exchange.request.headers.cookie ?? "" },
        { headers: { "x-request-id": exchange.requestId } },
      );
      switch (answer.case) {
        case "redirect":
          return send(exchange, answer.value.status, undefined, "", { ...NO_STORE, location: answer.value.location, "set-cookie": setCookie });
        case "formPost":
          return sendFormPost(exchange, answer.value, setCookie);
        case "errorPage":
          return sendErrorPage(exchange, { status: answer.value.status, error: answer.value.error, description: answer.value.errorDescription, headers: {} });
        case undefined:
          throw new Error("core gave no answer");
      }
    } catch (error) {
      if (!wantsPage(exchange)) return renderOAuthError(exchange, error);
      sendErrorPage(exchange, oauthFailure(error));
      if (exchange.response.statusCode >= 500) throw error; // answered; the log is to have it
    }
  };
}

/** RFC 6749 §3.1: by GET in the query, by POST in the form; a POST's query is part of its URL and read too. */
async function readParameters(exchange: Exchange): Promise<Parameters | undefined> {
  const inQuery = parseParameters(exchange.query, { keepRepeated: true });
  if (exchange.request.method !== "POST") return inQuery;
  const inForm = await readForm(exchange, { keepRepeated: true });
  return inForm === undefined ? undefined : [...inQuery, ...inForm];
}

/** A person is at a browser, unless the request says that only JSON is understood. */
function wantsPage({ request }: Exchange): boolean {
  const { accept = "" } = request.headers;
  return !accept.includes("json") || accept.includes("html");
}
