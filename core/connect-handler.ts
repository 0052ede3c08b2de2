import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { DescMethod, DescMethodServerStreaming, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, createConnectRouter, createContextKey, createContextValues, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.ts";
import type { Log } from "#lib/events.ts";
import type { Dispatcher, IncomingCall } from "#lib/rpc/call.ts";
import type { Origin } from "#lib/rpc/lean-server.ts";
import { isWellFormed } from "#lib/rpc/well-formed.ts";
import { requireReadable } from "./readable-body.ts";
import { reflectionService } from "./reflection.ts";

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** What the handler is made of. */
export interface ConnectHandlerOptions {
  readonly maxBytes: number;
  /** Fires when the server stops: streams end. */
  readonly shutdown: AbortSignal;
  readonly originOf: (request: Request) => Origin;
  readonly log: Log;
}

const originKey = createContextKey<Origin | undefined>(undefined);

/**
 * All protocols of Connect's own stack over a dispatcher, and server reflection. Not its `connectNodeAdapter`, which writes
 * to the console whenever a consumer of a stream hangs up.
 */
export function makeConnectHandler(dispatcher: Dispatcher, { maxBytes, shutdown, originOf, log }: ConnectHandlerOptions): (request: Request, response: Response) => void {
  const router = createConnectRouter({ readMaxBytes: maxBytes, shutdownSignal: shutdown, acceptCompression: [] }); // nothing is compressed: a token does not shrink, and what shrinks a lot is a bomb
  for (const service of dispatcher.services) router.service(service, implementation(dispatcher, service));
  router.service(ServerReflection, reflectionService([...dispatcher.services, ServerReflection]));
  const readable = (call: UniversalServerRequest, { input, methodKind }: DescMethod, type: string): UniversalServerRequest => {
    const { body } = call;
    const hasOneMessage = methodKind === "unary" || methodKind === "server_streaming";
    if (!hasOneMessage || type.includes("json") || typeof body !== "object" || body === null || !(Symbol.asyncIterator in body)) return call;
    return { ...call, body: requireReadable(body, { message: input, isEnveloped: !type.startsWith("application/proto"), maxBytes }) };
  };
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const handler = handlers.get((request.url ?? "").split("?", 1)[0] ?? "");
    if (handler === undefined) {
      response.statusCode = 404;
      response.end();
      return;
    }
    const call = universalRequestFromNodeRequest(request, response, undefined, createContextValues().set(originKey, originOf(request)));
    handler(readable(call, handler.method, request.headers["content-type"] ?? ""))
      .then((answer) => universalResponseToNodeResponse(answer, response))
      .catch((cause: unknown) => log.debug("request_failed", { method: handler.method.name, cause }));
  };
}

function implementation<S extends DescService>(dispatcher: Dispatcher, service: S): ServiceImpl<S> {
  const call = (request: unknown, { values, signal, requestHeader, method }: HandlerContext): IncomingCall => {
    const origin = values.get(originKey);
    if (origin === undefined) throw new Error("the request's context is missing");
    if (requestHeader.get("content-type")?.includes("json") && !isWellFormed(request)) throw new ConnectError(`the body is no ${method.input.typeName}`, Code.InvalidArgument);
    return { ...origin, signal };
  };
  const methods = service.methods.map((method) => [
    method.localName,
    method.methodKind === "unary"
      ? (request: never, context: HandlerContext) => dispatcher.unary(method as DescMethodUnary, request, call(request, context))
      : (request: never, context: HandlerContext) => dispatcher.serverStream(method as DescMethodServerStreaming, request, call(request, context)),
  ]);
  return Object.fromEntries(methods) as ServiceImpl<S>;
}
