import { create, type DescMethod, type DescMethodServerStreaming, type DescMethodUnary, getOption, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { Access, access as accessOption } from "#gen/writ/options_pb.ts";
import { HTTP_STATUS, OAuthError } from "#lib/errors.ts";
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

const CODE_OF_STATUS = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.NotFound,
  429: Code.ResourceExhausted,
  500: Code.Internal,
  503: Code.Unavailable,
} as const satisfies Record<(typeof HTTP_STATUS)[keyof typeof HTTP_STATUS], Code>;

/** Makes the one way into core. @throws Error when a method has no handler: a mistake of ours, seen at start */
export function makeDispatcher({ registrations, access, clock, random, log }: DispatcherOptions): Dispatcher {
  const routes = new Map(registrations.flatMap(routesOf));

  const enter = (method: DescMethod, call: IncomingCall): { readonly route: Route; readonly context: CallContext } => {
    const route = routes.get(method);
    if (route === undefined) throw new ConnectError(`${method.parent.typeName}/${method.name} is not served here`, Code.Unimplemented);
    const caller = access.authenticate(call);
    if (route.role !== Access.ANYONE && (route.role === Access.UNSPECIFIED || !caller.roles.has(route.role))) {
      if (call.authorization === undefined && call.certificateSha256 === undefined) throw new ConnectError("credentials are missing", Code.Unauthenticated);
      throw new ConnectError(`${caller.name === "" ? "this caller" : caller.name} may not call ${route.name}`, Code.PermissionDenied);
    }
    const requestId = call.requestId ?? Buffer.from(random(12)).toString("base64url");
    // The signal is asked for by few, and costs those who make it.
    const context: CallContext = {
      requestId,
      caller,
      now: clock(),
      get signal() {
        return call.signal;
      },
    };
    return { route, context };
  };

  const fail = (error: unknown, { name }: Route, { requestId, signal }: CallContext): ConnectError => {
    if (error instanceof ConnectError) return error;
    if (error instanceof OAuthError) {
      if (error.status >= 500 || error.cause !== undefined) log.warn("request_failed", { method: name, request_id: requestId, error: error.code, cause: error.cause });
      return toConnectError(error);
    }
    if (signal?.aborted === true && error instanceof Error && (error === signal.reason || error.name === "AbortError")) return givenUp(signal);
    log.error("internal_error", { method: name, request_id: requestId, cause: error });
    return new ConnectError("internal error", Code.Internal);
  };

  /** A gateway in the same process writes a line for the request already; a caller from elsewhere has nobody else to do so. */
  const note = ({ name, role }: Route, { requestId, caller }: CallContext, { via }: IncomingCall, began: number, code: Code | undefined): void => {
    const write = via === "network" && role !== Access.ANYONE ? log.info : log.debug;
    write("request", {
      method: name,
      request_id: requestId,
      caller: caller.name,
      code: code === undefined ? "Ok" : Code[code],
      milliseconds: Math.round((performance.now() - began) * 100) / 100,
    });
  };

  return {
    services: registrations.map(({ service }) => service),
    async unary<I extends DescMethodUnary>(method: I, request: MessageShape<I["input"]>, call: IncomingCall) {
      const began = performance.now();
      const { route, context } = enter(method, call);
      try {
        const answer = create(method.output, await route.handler(request, context)) as MessageShape<I["output"]>;
        note(route, context, call, began, undefined);
        return answer;
      } catch (error) {
        const failure = fail(error, route, context);
        note(route, context, call, began, failure.code);
        throw failure;
      }
    },
    async *serverStream<I extends DescMethodServerStreaming>(method: I, request: MessageShape<I["input"]>, call: IncomingCall) {
      const began = performance.now();
      const { route, context } = enter(method, call);
      let code: Code | undefined = Code.Canceled; // what it stays when the caller asks for no more
      try {
        for await (const message of route.handler(request, context)) yield create(method.output, message) as MessageShape<I["output"]>;
        // A handler ends quietly when its signal fires; a caller must not take that for the end of what there is to say.
        if (context.signal?.aborted === true) throw givenUp(context.signal);
        code = undefined;
      } catch (error) {
        const failure = fail(error, route, context);
        code = failure.code;
        throw failure;
      } finally {
        note(route, context, call, began, code);
      }
    },
  };
}

function routesOf({ service, handlers }: Registration): [DescMethod, Route][] {
  const isOpen = OPEN_PACKAGES.some((each) => service.typeName.startsWith(each));
  return service.methods.map((method) => {
    const name = `${service.typeName}/${method.name}`;
    const handler = (handlers as Readonly<Record<string, Route["handler"]>>)[method.localName];
    if (handler === undefined) throw new Error(`${name} has no handler`);
    return [method, { name, role: isOpen ? Access.ANYONE : getOption(method, accessOption), handler: handler.bind(handlers) }];
  });
}

function givenUp({ reason }: AbortSignal): ConnectError {
  return reason instanceof ConnectError ? reason : new ConnectError("the call was given up", Code.Canceled);
}

/** What the caller may read of a failure. The cause stays here. */
function toConnectError(error: OAuthError): ConnectError {
  const detail = { desc: OAuthErrorDetailSchema, value: { error: error.code, errorDescription: error.message, status: error.status, wwwAuthenticate: error.wwwAuthenticate } };
  return new ConnectError(error.message, CODE_OF_STATUS[HTTP_STATUS[error.code]], undefined, [detail]);
}
