import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { ClientCors } from "../http/client-cors.ts";
import { type Handler, NO_STORE, send } from "../http/exchange.ts";
import { parameter, readForm } from "../http/form.ts";
import { claimedClientId, clientAuthentication, refuseQuery, requestContext } from "./request.ts";

/** Revocation endpoint. @see RFC 7009 §2 */
export function revokeEndpoint(oauth: Client<typeof OAuthService>, cors: ClientCors): Handler {
  return async (exchange) => {
    refuseQuery(exchange);
    const form = await readForm(exchange);
    if (form === undefined) return;
    const authentication = clientAuthentication(exchange, form);
    const admitting = cors.admit(exchange, () => ({ clientId: claimedClientId(authentication) }));
    if (admitting !== undefined) await admitting;
    await oauth.revokeToken(
      {
        context: requestContext(exchange, form),
        clientAuthentication: authentication,
        token: parameter(form, "token"),
        tokenTypeHint: parameter(form, "token_type_hint"),
      },
      { headers: { "x-request-id": exchange.requestId } },
    );
    send(exchange, 200, undefined, "", NO_STORE); // RFC 7009 §2.2: the body says nothing
  };
}
