import { endOfTurn } from "#lib/turn.ts";
import type { Exchange } from "./exchange.ts";

/** How much of a body that is too large is still read, so that its sender gets to the answer. Bytes and milliseconds. */
const LINGER_BYTES = 8 * 1024 * 1024;
const LINGER_MILLIS = 1000;

/**
 * Reads a body whole. Undefined: there is nothing more to do, since it is larger than `limit` bytes and was answered so
 * (RFC 9110 §15.5.14), or since the peer hung up in its middle.
 */
export function readBody(exchange: Exchange, limit: number): Promise<Buffer | undefined> {
  const { request } = exchange;
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let refused = false;
    const refuse = (): void => {
      refused = true;
      refuseBody(exchange, limit);
      resolve(undefined);
    };
    request.on("data", (chunk: Buffer) => {
      if (refused) return;
      size += chunk.length;
      if (size > limit) refuse();
      else chunks.push(chunk);
    });
    request.on("end", () => void endOfTurn().then(() => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))));
    request.on("close", () => {
      if (!request.complete) resolve(undefined);
    });
    request.on("error", () => resolve(undefined));
    if (Number(request.headers["content-length"] ?? 0) > limit) refuse();
  });
}

/**
 * Sends the whole answer, but ends the connection only when the sender has finished or had time to: one that is cut while it
 * still sends never reads what it was told.
 */
function refuseBody({ request, response, headers }: Exchange, limit: number): void {
  const body = JSON.stringify({ error: "invalid_request", error_description: `The request body is larger than ${limit} bytes` });
  response.writeHead(413, {
    ...headers,
    "content-type": "application/json;charset=UTF-8",
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  response.write(body);
  let left = LINGER_BYTES;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MILLIS);
  request.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) end();
  });
  request.on("end", end);
  request.on("close", end);
}
