import type { AuthorizeResponse, EndSessionResponse } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type Exchange, type Handler, NO_STORE } from "../http/exchange.ts";
import { sendErrorPage } from "../pages/error.ts";
import { sendFormPost } from "../pages/form-post.ts";
import { sendLogoutFrames } from "../pages/logout.ts";
import { failBrowser, sendRedirect } from "./browser-request.ts";

/** Core's answer to a browser, whichever it asked. */
interface BrowserAnswer {
  readonly answer: AuthorizeResponse["answer"] | EndSessionResponse["answer"];
  readonly setCookie: readonly string[];
}

/** An endpoint for browsers: `ask` gets core's answer. Undefined: it was answered already. What fails is a page. */
export function browserEndpoint(ask: (exchange: Exchange) => Promise<BrowserAnswer | undefined>): Handler {
  return async (exchange) => {
    try {
      const response = await ask(exchange);
      if (response !== undefined) sendAnswer(exchange, response);
    } catch (error) {
      failBrowser(exchange, error);
    }
  };
}

function sendAnswer(exchange: Exchange, { answer, setCookie }: BrowserAnswer): void {
  switch (answer.case) {
    case "redirect":
      return sendRedirect(exchange, answer.value, { ...NO_STORE, "set-cookie": setCookie });
    case "formPost":
      return sendFormPost(exchange, answer.value, setCookie);
    case "frames":
      return sendLogoutFrames(exchange, answer.value, setCookie);
    case "errorPage":
      return sendErrorPage(exchange, { status: answer.value.status, error: answer.value.error, description: answer.value.errorDescription, headers: {} }, setCookie);
    case undefined:
      throw new Error("core gave no answer");
  }
}
