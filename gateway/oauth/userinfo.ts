import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type Handler, NO_STORE, send } from "../http/exchange.ts";
import { type Parameters, parameter, parseParameters, readForm } from "../http/form.ts";
import { requestContext } from "./request.ts";

/** UserInfo endpoint. @see OIDC Core §5.3 */
export function userinfoEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    const query = parseParameters(exchange.query);
    const form: Parameters | undefined = exchange.request.method === "POST" && exchange.request.headers["content-type"] !== undefined ? await readForm(exchange) : [];
    if (form === undefined) return;
    const { answer } = await oauth.getUserinfo({
      context: requestContext(exchange, form),
      authorization: exchange.request.headers.authorization ?? "",
      formAccessToken: parameter(form, "access_token"),
      queryAccessToken: parameter(query, "access_token"),
    });
    if (answer.case === "json") send(exchange, 200, "application/json;charset=UTF-8", answer.value, NO_STORE);
    else if (answer.case === "jwt") send(exchange, 200, "application/jwt", answer.value, NO_STORE);
  };
}
