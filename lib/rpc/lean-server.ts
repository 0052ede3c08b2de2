import type { IncomingMessage, ServerResponse } from "node:http";
import { type DescMethodUnary, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Dispatcher, IncomingCall } from "./call.ts";

const PROTO = "application/proto";

/** Takes a request if it is one that this handler is for; false: somebody else must. */
export type LeanHandler = (request: IncomingMessage, response: ServerResponse, call: IncomingCall) => boolean;

/**
 * Serves the Connect unary wire format for binary messages over HTTP/1.1: what a Writ gateway sends. Everything else
 * (JSON, gRPC, gRPC-Web, compression, streams, HTTP/2) is left to Connect's own handler, which does it all and costs five
 * times as much a call (docs/adr/0003-transport.md).
 * @see Connect protocol, "Unary-Request"
 */
export function makeLeanHandler(dispatcher: Dispatcher, maxBytes: number): LeanHandler {
  const methods = new Map<string, DescMethodUnary>();
  for (const service of dispatcher.services)
    for (const method of service.methods) if (method.methodKind === "unary") methods.set(`/${service.typeName}/${method.name}`, method as DescMethodUnary);

  return (request, response, call) => {
    const { headers } = request;
    const method = methods.get(request.url ?? "");
    if (method === undefined || request.method !== "POST" || headers["content-type"] !== PROTO || headers["content-encoding"] !== undefined) return false;
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else if (!response.headersSent) fail(response, new ConnectError(`the message is larger than ${maxBytes} bytes`, Code.ResourceExhausted), true);
    });
    request.on("end", () => {
      if (response.headersSent) return;
      answer(dispatcher, method, chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size), call).then(
        (bytes) => {
          response.writeHead(200, { "content-type": PROTO, "content-length": bytes.length });
          response.end(bytes);
        },
        (error: unknown) => fail(response, ConnectError.from(error, Code.Internal), false),
      );
    });
    return true;
  };
}

async function answer(dispatcher: Dispatcher, method: DescMethodUnary, body: Uint8Array, call: IncomingCall): Promise<Uint8Array> {
  return toBinary(method.output, await dispatcher.unary(method, parse(method, body), call));
}

function parse(method: DescMethodUnary, body: Uint8Array): MessageShape<DescMethodUnary["input"]> {
  try {
    return fromBinary(method.input, body);
  } catch {
    throw new ConnectError(`the body is no ${method.input.typeName}`, Code.InvalidArgument);
  }
}

function fail(response: ServerResponse, error: ConnectError, close: boolean): void {
  const bytes = errorToJsonBytes(error, undefined);
  response.writeHead(codeToHttpStatus(error.code), { "content-type": "application/json", "content-length": bytes.length, ...(close ? { connection: "close" } : {}) });
  response.end(bytes);
}
