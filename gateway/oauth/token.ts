import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { ClientCors } from "../http/client-cors.ts";
import { type Handler, NO_STORE, sendJson } from "../http/exchange.ts";
import { parameter, readForm, values } from "../http/form.ts";
import { claimedClientId, clientAuthentication, refuseQuery, requestContext } from "./request.ts";

/** Token endpoint. @see RFC 6749 §3.2, §5.1 */
export function tokenEndpoint(oauth: Client<typeof OAuthService>, cors: ClientCors): Handler {
  return async (exchange) => {
    refuseQuery(exchange);
    const form = await readForm(exchange);
    if (form === undefined) return;
    const authentication = clientAuthentication(exchange, form);
    const admitting = cors.admit(exchange, () => ({ clientId: claimedClientId(authentication) }));
    if (admitting !== undefined) await admitting;
    const { accessToken, tokenType, expiresIn, scope, refreshToken, idToken } = await oauth.exchangeToken(
      {
        context: requestContext(exchange, form),
        clientAuthentication: authentication,
        grantType: parameter(form, "grant_type"),
        scope: parameter(form, "scope"),
        audience: values(form, "audience"),
        code: parameter(form, "code"),
        redirectUri: parameter(form, "redirect_uri"),
        codeVerifier: parameter(form, "code_verifier"),
        refreshToken: parameter(form, "refresh_token"),
        assertion: parameter(form, "assertion"),
        deviceCode: parameter(form, "device_code"),
      },
      { headers: { "x-request-id": exchange.requestId } },
    );
    const optional = { ...(refreshToken === "" ? {} : { refresh_token: refreshToken }), ...(idToken === "" ? {} : { id_token: idToken }) };
    sendJson(exchange, 200, { access_token: accessToken, token_type: tokenType, expires_in: expiresIn, scope, ...optional }, NO_STORE);
  };
}
