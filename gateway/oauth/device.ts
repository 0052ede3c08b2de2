import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { ClientCors } from "../http/client-cors.ts";
import { type Handler, NO_STORE, sendJson } from "../http/exchange.ts";
import { parameter, parseParameters, readForm, values } from "../http/form.ts";
import { browserEndpoint } from "./browser-answer.ts";
import { claimedClientId, clientAuthentication, refuseQuery, requestContext } from "./request.ts";

/** Device authorization endpoint. @see RFC 8628 §3.1, §3.2 */
export function deviceAuthorizationEndpoint(oauth: Client<typeof OAuthService>, cors: ClientCors): Handler {
  return async (exchange) => {
    refuseQuery(exchange);
    const form = await readForm(exchange);
    if (form === undefined) return;
    const authentication = clientAuthentication(exchange, form);
    await cors.admit(exchange, () => ({ clientId: claimedClientId(authentication) }));
    const { deviceCode, userCode, verificationUri, verificationUriComplete, expiresIn, interval } = await oauth.authorizeDevice(
      { context: requestContext(exchange, form), clientAuthentication: authentication, scope: parameter(form, "scope"), audience: values(form, "audience") },
      { headers: { "x-request-id": exchange.requestId } },
    );
    const uris = { verification_uri: verificationUri, verification_uri_complete: verificationUriComplete };
    sendJson(exchange, 200, { device_code: deviceCode, user_code: userCode, ...uris, expires_in: expiresIn, interval }, NO_STORE);
  };
}

/** Verification URI. @see RFC 8628 §3.3 */
export function deviceVerifyEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return browserEndpoint(async (exchange) => {
    const context = requestContext(exchange, parseParameters(exchange.query, { keepRepeated: true }));
    const { response } = await oauth.verifyDevice({ context, cookie: exchange.request.headers.cookie ?? "" }, { headers: { "x-request-id": exchange.requestId } });
    if (response === undefined) throw new Error("core gave no answer");
    return response;
  });
}
