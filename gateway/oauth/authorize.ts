import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { type Exchange, type Handler, NO_STORE, send } from "../http/exchange.ts";
import { type Parameters, parseParameters, readForm } from "../http/form.ts";
import { requestContext } from "./request.ts";

/** Authorization endpoint. @see RFC 6749 §3.1 */
export function authorizeEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    const parameters = await readParameters(exchange);
    if (parameters === undefined) return;
    const { answer, setCookie } = await oauth.authorize(
      { context: requestContext(exchange, parameters), cookie: exchange.request.headers.cookie ?? "" },
      { headers: { "x-request-id": exchange.requestId } },
    );
    if (setCookie.length > 0) exchange.response.setHeader("set-cookie", setCookie);
    if (answer.case === "redirect") return send(exchange, answer.value.status, undefined, "", { ...NO_STORE, location: answer.value.location });
    if (answer.case === "formPost") return send(exchange, 200, "application/json", JSON.stringify(answer.value.parameters.map(({ name, value }) => [name, value])), NO_STORE);
    if (answer.case === "errorPage") return send(exchange, answer.value.status, "text/html", `${answer.value.error}: ${answer.value.errorDescription}`, NO_STORE);
  };
}

async function readParameters(exchange: Exchange): Promise<Parameters | undefined> {
  if (exchange.request.method !== "POST") return parseParameters(exchange.query);
  return readForm(exchange);
}
