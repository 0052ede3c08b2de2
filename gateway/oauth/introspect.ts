import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { IntrospectionSchema } from "#gen/writ/token/v1/introspection_pb.ts";
import { type Handler, NO_STORE, sendJson } from "../http/exchange.ts";
import { parameter, readForm } from "../http/form.ts";
import { makeEncoder } from "../rest/encode.ts";
import { clientAuthentication, refuseQuery, requestContext } from "./request.ts";

const encode = makeEncoder(IntrospectionSchema);

/** Introspection endpoint for resource servers. @see RFC 7662 §2 */
export function introspectEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    refuseQuery(exchange);
    const form = await readForm(exchange);
    if (form === undefined) return;
    const { introspection } = await oauth.introspectToken(
      {
        context: requestContext(exchange, form),
        clientAuthentication: clientAuthentication(exchange, form),
        token: parameter(form, "token"),
        tokenTypeHint: parameter(form, "token_type_hint"),
      },
      { headers: { "x-request-id": exchange.requestId } },
    );
    sendJson(exchange, 200, introspection === undefined ? { active: false } : encode(introspection), NO_STORE);
  };
}
