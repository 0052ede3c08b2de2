import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { endInOnePiece } from "#lib/one-piece.ts";

/** One HTTP request and its answer, as handlers see it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Path without query and without a slash at its end. */
  readonly path: string;
  /** Query without its question mark. */
  readonly query: string;
  /** Whose request it is: the peer's address, or what a trusted proxy says. */
  readonly peerAddress: string;
  /** Follows the request into core and into the log. */
  readonly requestId: string;
  /** Headers that every answer to this request carries, such as those of CORS. */
  readonly headers: Record<string, string>;
  /** Pattern that the request matched, for the log: a path itself may hold identifiers. */
  route: string;
  /** Size of the answer's body, once it is sent. */
  sentBytes: number;
}

/** Answers a request. What it throws is rendered by the listener. */
export type Handler = (exchange: Exchange) => Promise<void> | void;

/** RFC 6749 §5.1: what is answered about tokens is kept by nobody. */
export const NO_STORE = { "cache-control": "no-store", pragma: "no-cache" } as const;

/** Hydra's, on answers that only hold now. */
export const UNCACHED = { "cache-control": "private, no-cache, no-store, must-revalidate" } as const;

/** Sends an answer whole; does nothing when one was sent already. */
export function send(
  exchange: Exchange,
  status: number,
  type: string | undefined,
  body: string | Uint8Array,
  more: Readonly<Record<string, string | readonly string[]>> = {},
): void {
  const { request, response, headers } = exchange;
  if (response.headersSent) return;
  const isEmpty = status === 204 || status === 304;
  const all: Record<string, string | number | readonly string[]> = { ...headers, ...more };
  if (type !== undefined) all["content-type"] = type;
  const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
  if (!isEmpty) all["content-length"] = length;
  exchange.sentBytes = request.method === "HEAD" ? 0 : length;
  response.writeHead(status, all as OutgoingHttpHeaders);
  if (isEmpty || length === 0 || request.method === "HEAD") response.end();
  else if (typeof body === "string" && length === body.length)
    response.end(body, "latin1"); // one byte a character: see endInOnePiece
  else if (typeof body === "string") response.end(body);
  else endInOnePiece(response, body);
}

/** Sends JSON. */
export function sendJson(exchange: Exchange, status: number, value: unknown, more?: Readonly<Record<string, string>>): void {
  send(exchange, status, "application/json;charset=UTF-8", JSON.stringify(value), more);
}
