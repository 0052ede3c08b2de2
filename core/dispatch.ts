import { create, type DescMethod, type DescMethodServerStreaming, type DescMethodUnary, getOption, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { Access, access as accessOption } from "#gen/writ/options_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import type { Log } from "#lib/events.ts";
import type { Random } from "#lib/random.ts";
import type { CallContext, Dispatcher, IncomingCall, Registration } from "#lib/rpc/call.ts";
import type { Clock } from "#lib/time.ts";
import type { AccessTable } from "./access.ts";

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  readonly registrations: readonly Registration[];
  readonly access: AccessTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Route {
  readonly name: string;
  readonly role: Access;
  // biome-ignore lint/suspicious/noExplicitAny: handlers of all methods in one map; `Handlers<S>` has checked each against its method
  readonly handler: (request: any, context: CallContext) => any;
}

/** Packages whose methods are for everybody: health and reflection are part of gRPC and carry no option of ours. */
const OPEN_PACKAGES = ["grpc.health.v1.", "grpc.reflection.v1."];

const CODE_OF_STATUS: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  500: Code.Internal,
  503: Code.Unavailable,
};

/** Makes the one way into core. */
export function makeDispatcher({ registrations, access, clock, random, log }: DispatcherOptions): Dispatcher {
  const routes = new Map<DescMethod, Route>();
  for (const { service, handlers } of registrations)
    for (const method of service.methods) {
      const open = OPEN_PACKAGES.some((each) => service.typeName.startsWith(each));
      const handler = (handlers as Readonly<Record<string, Route["handler"]>>)[method.localName];
      if (handler === undefined) throw new Error(`${service.typeName}/${method.name} has no handler`);
      routes.set(method, { name: `${service.typeName}/${method.name}`, role: open ? Access.ANYONE : getOption(method, accessOption), handler: handler.bind(handlers) });
    }

  const enter = (method: DescMethod, call: IncomingCall): { readonly route: Route; readonly context: CallContext } => {
    const route = routes.get(method);
    if (route === undefined) throw new ConnectError(`${method.parent.typeName}/${method.name} is not served here`, Code.Unimplemented);
    const caller = access.authenticate(call);
    if (route.role !== Access.ANYONE && (route.role === Access.UNSPECIFIED || !caller.roles.has(route.role)))
      throw call.authorization === undefined && call.certificateSha256 === undefined
        ? new ConnectError("credentials are missing", Code.Unauthenticated)
        : new ConnectError(`${caller.name} may not call ${route.name}`, Code.PermissionDenied);
    return { route, context: { requestId: call.requestId ?? Buffer.from(random(12)).toString("base64url"), caller, now: clock(), signal: call.signal } };
  };

  const fail = (error: unknown, name: string, requestId: string | undefined): ConnectError => {
    if (error instanceof ConnectError) return error;
    if (error instanceof OAuthError) {
      if (error.status >= 500 || error.cause !== undefined) log.warn("request_failed", { method: name, request_id: requestId, error: error.code, cause: error.cause });
      return toConnectError(error);
    }
    log.error("internal_error", { method: name, request_id: requestId, cause: error });
    return new ConnectError("internal error", Code.Internal);
  };

  /** A gateway in the same process writes a line for the request already; a caller from elsewhere has nobody else to do so. */
  const finish = (route: Route, { requestId, caller }: CallContext, call: IncomingCall, startedAt: number, code: string): void => {
    const line = { method: route.name, caller: caller.name, code, milliseconds: Math.round((performance.now() - startedAt) * 100) / 100, request_id: requestId };
    if (call.via === "network" && route.role !== Access.ANYONE) log.info("request", line);
    else log.debug("request", line);
  };

  return {
    services: registrations.map(({ service }) => service),
    async unary<I extends DescMethodUnary>(method: I, request: MessageShape<I["input"]>, call: IncomingCall) {
      const startedAt = performance.now();
      const { route, context } = enter(method, call);
      try {
        const answer = complete<I["output"]>(method.output, await route.handler(request, context));
        finish(route, context, call, startedAt, "ok");
        return answer;
      } catch (error) {
        const failure = fail(error, route.name, context.requestId);
        finish(route, context, call, startedAt, Code[failure.code] ?? "unknown");
        throw failure;
      }
    },
    async *serverStream<I extends DescMethodServerStreaming>(method: I, request: MessageShape<I["input"]>, call: IncomingCall) {
      const startedAt = performance.now();
      const { route, context } = enter(method, call);
      let code = "ok";
      try {
        for await (const message of route.handler(request, context)) yield complete<I["output"]>(method.output, message);
      } catch (error) {
        const failure = fail(error, route.name, context.requestId);
        code = Code[failure.code] ?? "unknown";
        throw failure;
      } finally {
        finish(route, context, call, startedAt, code);
      }
    },
  };
}

function complete<O extends DescMethod["output"]>(output: O, message: MessageInitShape<O>): MessageShape<O> {
  return create(output, message);
}

/** What the caller may read of a failure. The cause stays here. */
function toConnectError(error: OAuthError): ConnectError {
  const detail = { desc: OAuthErrorDetailSchema, value: { error: error.code, errorDescription: error.message, status: error.status, wwwAuthenticate: error.wwwAuthenticate } };
  return new ConnectError(error.message, CODE_OF_STATUS[error.status] ?? Code.Unknown, undefined, [detail]);
}
