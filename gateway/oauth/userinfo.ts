import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { ClientCors } from "../http/client-cors.ts";
import { type Exchange, type Handler, NO_STORE, send } from "../http/exchange.ts";
import { type Parameters, parameter, parseParameters, readForm } from "../http/form.ts";
import { requestContext } from "./request.ts";

/** UserInfo endpoint. @see OIDC Core §5.3, RFC 6750 §2 */
export function userinfoEndpoint(oauth: Client<typeof OAuthService>, cors: ClientCors): Handler {
  return async (exchange) => {
    const { authorization = "" } = exchange.request.headers;
    const query = parseParameters(exchange.query);
    const form = await readOptionalForm(exchange);
    if (form === undefined) return;
    const formAccessToken = parameter(form, "access_token");
    await cors.admit(exchange, () => ({ accessToken: formAccessToken || authorization.replace(/^Bearer +/i, "") }));
    const { answer } = await oauth.getUserinfo(
      { context: requestContext(exchange, form), authorization, formAccessToken, queryAccessToken: parameter(query, "access_token") },
      { headers: { "x-request-id": exchange.requestId } },
    );
    if (answer.case === "jwt") send(exchange, 200, "application/jwt", answer.value, NO_STORE);
    else send(exchange, 200, "application/json;charset=UTF-8", answer.value ?? "{}", NO_STORE);
  };
}

/** A POST may come without a body, with the token in its header. */
async function readOptionalForm(exchange: Exchange): Promise<Parameters | undefined> {
  const { method, headers } = exchange.request;
  return method === "POST" && headers["content-type"] !== undefined ? readForm(exchange) : [];
}
