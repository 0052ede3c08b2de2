import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type Handler, NO_STORE } from "../http/exchange.ts";
import { sendErrorPage } from "../pages/error.ts";
import { sendLogoutFrames } from "../pages/logout.ts";
import { failBrowser, readBrowserParameters, sendRedirect } from "./browser-request.ts";
import { requestContext } from "./request.ts";

/** End session endpoint. @see OIDC RP-Initiated Logout §2 */
export function endSessionEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    try {
      const parameters = await readBrowserParameters(exchange);
      if (parameters === undefined) return;
      const { answer, setCookie } = await oauth.endSession(
        { context: requestContext(exchange, parameters), cookie: exchange.request.headers.cookie ?? "" },
        { headers: { "x-request-id": exchange.requestId } },
      );
      switch (answer.case) {
        case "redirect":
          return sendRedirect(exchange, answer.value, { ...NO_STORE, "set-cookie": setCookie });
        case "frames":
          return sendLogoutFrames(exchange, answer.value, setCookie);
        case "errorPage":
          return sendErrorPage(exchange, { status: answer.value.status, error: answer.value.error, description: answer.value.errorDescription, headers: {} });
        case undefined:
          throw new Error("core gave no answer");
      }
    } catch (error) {
      failBrowser(exchange, error);
    }
  };
}
