import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { Exchange, Handler } from "../http/exchange.ts";
import { type Parameters, parseParameters, readForm } from "../http/form.ts";
import { browserEndpoint } from "./browser-answer.ts";
import { requestContext } from "./request.ts";

/** Authorization endpoint. @see RFC 6749 §3.1 */
export function authorizeEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return browserEndpoint(async (exchange) => {
    const parameters = await readParameters(exchange);
    if (parameters === undefined) return undefined;
    return oauth.authorize({ context: requestContext(exchange, parameters), cookie: exchange.request.headers.cookie ?? "" }, { headers: { "x-request-id": exchange.requestId } });
  });
}

/** RFC 6749 §3.1: by GET in the query, by POST in the form; a POST's query is part of its URL and read too. */
async function readParameters(exchange: Exchange): Promise<Parameters | undefined> {
  const inQuery = parseParameters(exchange.query, { keepRepeated: true });
  if (exchange.request.method !== "POST") return inQuery;
  const inForm = await readForm(exchange, { keepRepeated: true });
  return inForm === undefined ? undefined : [...inQuery, ...inForm];
}
