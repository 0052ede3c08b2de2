import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { DescMethodServerStreaming, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { type ConnectRouter, createContextKey, createContextValues, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.ts";
import type { Dispatcher, IncomingCall } from "#lib/rpc/call.ts";
import { reflectionService } from "./reflection.ts";

type Request = IncomingMessage | Http2ServerRequest;

/** What the handler is made of. */
export interface ConnectHandlerOptions {
  readonly maxBytes: number;
  /** Fires when the server stops: streams end. */
  readonly shutdown: AbortSignal;
  readonly incomingCall: (request: Request) => IncomingCall;
}

const callKey = createContextKey<IncomingCall | undefined>(undefined);

/** All protocols of Connect's own stack over a dispatcher, and server reflection. */
export function makeConnectHandler(dispatcher: Dispatcher, { maxBytes, shutdown, incomingCall }: ConnectHandlerOptions): (request: Request, response: ServerResponse | Http2ServerResponse) => void {
  const routes = (router: ConnectRouter): void => {
    for (const service of dispatcher.services) router.service(service, implementation(dispatcher, service));
    router.service(ServerReflection, reflectionService([...dispatcher.services, ServerReflection]));
  };
  return connectNodeAdapter({
    routes,
    readMaxBytes: maxBytes,
    shutdownSignal: shutdown,
    acceptCompression: [], // a few bytes of a token do not shrink, and what shrinks a lot is a bomb
    contextValues: (request) => createContextValues().set(callKey, incomingCall(request as Request)),
  });
}

function implementation<S extends DescService>(dispatcher: Dispatcher, service: S): ServiceImpl<S> {
  const call = ({ values, signal }: HandlerContext): IncomingCall => {
    const incoming = values.get(callKey);
    if (incoming === undefined) throw new Error("the request's context is missing");
    return { ...incoming, signal };
  };
  const methods = service.methods.map((method) => [
    method.localName,
    method.methodKind === "unary"
      ? (request: never, context: HandlerContext) => dispatcher.unary(method as DescMethodUnary, request, call(context))
      : (request: never, context: HandlerContext) => dispatcher.serverStream(method as DescMethodServerStreaming, request, call(context)),
  ]);
  return Object.fromEntries(methods) as ServiceImpl<S>;
}
