import { type Exchange, sendJson } from "./exchange.ts";

/**
 * Reads a body whole. Undefined: there is nothing more to do, since it is larger than `limit` bytes and was answered so
 * (RFC 9110 §15.5.14), or since the peer hung up in its middle.
 */
export function readBody(exchange: Exchange, limit: number): Promise<Buffer | undefined> {
  const { request } = exchange;
  return new Promise((resolve) => {
    const refuse = (): void => {
      sendJson(exchange, 413, { error: "invalid_request", error_description: `The request body is larger than ${limit} bytes` }, { connection: "close" });
      resolve(undefined);
    };
    if (Number(request.headers["content-length"] ?? 0) > limit) {
      refuse();
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) refuse();
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)));
    request.on("close", () => resolve(undefined));
    request.on("error", () => resolve(undefined));
  });
}
