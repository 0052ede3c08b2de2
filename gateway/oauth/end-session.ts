import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { Handler } from "../http/exchange.ts";
import { browserEndpoint } from "./browser-answer.ts";
import { readBrowserParameters } from "./browser-request.ts";
import { requestContext } from "./request.ts";

/** End session endpoint. @see OIDC RP-Initiated Logout §2 */
export function endSessionEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return browserEndpoint(async (exchange) => {
    const parameters = await readBrowserParameters(exchange);
    if (parameters === undefined) return undefined;
    return oauth.endSession({ context: requestContext(exchange, parameters), cookie: exchange.request.headers.cookie ?? "" }, { headers: { "x-request-id": exchange.requestId } });
  });
}
