import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { endOfTurn } from "#lib/turn.ts";
import { type Exchange, type Handler, send } from "../http/exchange.ts";

interface Document {
  readonly json: Uint8Array;
  readonly etag: string;
  /** Seconds. */
  readonly maxAge: number;
}

/** How long clients may keep the metadata document. Seconds. */
const METADATA_MAX_AGE = 300;

/** Authorization server metadata. @see RFC 8414 §3, OIDC Discovery §4 */
export function metadataEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    await endOfTurn();
    sendDocument(exchange, { ...(await oauth.getMetadata({}, options(exchange))), maxAge: METADATA_MAX_AGE });
  };
}

/** Public keys. @see RFC 7517 §5 */
export function jwksEndpoint(oauth: Client<typeof OAuthService>): Handler {
  return async (exchange) => {
    await endOfTurn();
    sendDocument(exchange, await oauth.getJwks({}, options(exchange)));
  };
}

function options({ requestId }: Exchange): { readonly headers: Record<string, string> } {
  return { headers: { "x-request-id": requestId } };
}

/** @see RFC 9110 §13.1.2 */
function sendDocument(exchange: Exchange, { json, etag, maxAge }: Document): void {
  const quoted = `"${etag}"`;
  const headers = { etag: quoted, "cache-control": `public, max-age=${maxAge}` };
  const known = (exchange.request.headers["if-none-match"] ?? "").split(",").map((each) => each.trim().replace(/^W\//, ""));
  if (known.includes(quoted) || known.includes("*")) send(exchange, 304, undefined, "", headers);
  else send(exchange, 200, "application/json", json, headers);
}
