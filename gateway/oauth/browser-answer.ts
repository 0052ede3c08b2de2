import type { AuthorizeResponse } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type Exchange, type Handler, NO_STORE, send } from "../http/exchange.ts";
import { oauthFailure, renderOAuthError } from "../http/render-error.ts";
import { sendErrorPage } from "../pages/error.ts";
import { sendFormPost } from "../pages/form-post.ts";

/** An endpoint for browsers: `ask` gets core's answer. Undefined: it was answered already. What fails is a page. */
export function browserEndpoint(ask: (exchange: Exchange) => Promise<Pick<AuthorizeResponse, "answer" | "setCookie"> | undefined>): Handler {
  return async (exchange) => {
    try {
      const response = await ask(exchange);
      if (response !== undefined) sendAnswer(exchange, response);
    } catch (error) {
      if (!wantsPage(exchange)) return renderOAuthError(exchange, error);
      sendErrorPage(exchange, oauthFailure(error));
      if (exchange.response.statusCode >= 500) throw error; // answered; the log is to have it
    }
  };
}

function sendAnswer(exchange: Exchange, { answer, setCookie }: Pick<AuthorizeResponse, "answer" | "setCookie">): void {
  switch (answer.case) {
    case "redirect":
      return send(exchange, answer.value.status, undefined, "", { ...NO_STORE, location: answer.value.location, "set-cookie": setCookie });
    case "formPost":
      return sendFormPost(exchange, answer.value, setCookie);
    case "errorPage":
      return sendErrorPage(exchange, { status: answer.value.status, error: answer.value.error, description: answer.value.errorDescription, headers: {} }, setCookie);
    case undefined:
      throw new Error("core gave no answer");
  }
}

/** A person is at a browser, unless the request says that only JSON is understood. */
function wantsPage({ request }: Exchange): boolean {
  const { accept = "" } = request.headers;
  return !accept.includes("json") || accept.includes("html");
}
