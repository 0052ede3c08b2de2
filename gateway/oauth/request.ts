import { TLSSocket } from "node:tls";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ClientAuthenticationSchema, ParameterSchema, RequestContextSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { Exchange } from "../http/exchange.ts";
import { type Parameters, parameter } from "../http/form.ts";

/** What core is told of the HTTP request. */
export function requestContext({ request, peerAddress }: Exchange, parameters: Parameters): MessageInitShape<typeof RequestContextSchema> {
  const { method = "", url = "", headers, socket } = request;
  const context: MessageInitShape<typeof RequestContextSchema> = {
    method,
    url,
    peerAddress,
    parameters: parameters as MessageInitShape<typeof ParameterSchema>[],
  };
  if (typeof headers.dpop === "string") context.dpop = headers.dpop; // RFC 9449 §4.1
  if (socket instanceof TLSSocket && socket.authorized) context.clientCertificate = socket.getPeerCertificate().raw; // RFC 8705 §2
  return context;
}

/** What the request brings to show which client makes it; core decides whether it is one method and the right one. */
export function clientAuthentication({ request }: Exchange, parameters: Parameters): MessageInitShape<typeof ClientAuthenticationSchema> {
  return {
    authorization: request.headers.authorization ?? "",
    clientId: parameter(parameters, "client_id"),
    clientSecret: parameter(parameters, "client_secret"),
    clientAssertionType: parameter(parameters, "client_assertion_type"),
    clientAssertion: parameter(parameters, "client_assertion"),
  };
}

/** The client that a request says it comes from. Nothing is proved by it. */
export function claimedClientId({ authorization = "", clientId = "" }: MessageInitShape<typeof ClientAuthenticationSchema>): string {
  const [, basic = ""] = /^Basic +([\w+/=-]+) *$/i.exec(authorization) ?? [];
  const [user = ""] = Buffer.from(basic, "base64").toString().split(":");
  return clientId || (new URLSearchParams(`user=${user.replaceAll("&", "%26")}`).get("user") ?? "");
}

/**
 * Parameters of a back-channel endpoint belong in the body: a query ends in logs.
 * @see RFC 6749 §2.3.1
 */
export function refuseQuery({ query }: Exchange): void {
  if (/(^|&)(client_secret|client_assertion|assertion|token|code|refresh_token|device_code)=/.test(query))
    throw new OAuthError("invalid_request", "Credentials and tokens may not be sent in the query");
}
