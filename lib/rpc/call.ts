import type { DescMethod, DescMethodServerStreaming, DescMethodUnary, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Access } from "#gen/writ/options_pb.ts";
import type { EpochMillis } from "../time.ts";

/** Where a call came from, and what it brought to show who makes it. */
export interface IncomingCall {
  /** `direct`: the gateway in the same process. `network`: whoever reached the RPC port. */
  readonly via: "direct" | "network";
  /** `Authorization` header, whole. */
  readonly authorization: string | undefined;
  /** SHA-256 of the DER of the peer's verified client certificate, in hex. */
  readonly certificateSha256: string | undefined;
  /** Follows a request through gateway and core. Undefined: core makes one. */
  readonly requestId: string | undefined;
  /** Fires when the caller hangs up or its deadline passes. */
  readonly signal: AbortSignal | undefined;
}

/** Who calls. */
export interface Caller {
  /** For the log. */
  readonly name: string;
  readonly roles: ReadonlySet<Access>;
}

/** What a handler knows beside the message. */
export interface CallContext {
  readonly requestId: string;
  readonly caller: Caller;
  /** The one instant that the whole request lives in. */
  readonly now: EpochMillis;
  readonly signal: AbortSignal | undefined;
}

type Handler<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, context: CallContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, context: CallContext) => AsyncIterable<MessageInitShape<O>>
      : never;

/** The methods of a service. They throw OAuthError, or ConnectError for what is no matter of the protocol. */
export type Handlers<S extends DescService> = { readonly [K in keyof S["method"]]: Handler<S["method"][K]> };

/** A service and its methods. */
export interface Registration<S extends DescService = DescService> {
  readonly service: S;
  readonly handlers: Handlers<S>;
}

/** Pairs a service with its methods. */
export function register<S extends DescService>(service: S, handlers: Handlers<S>): Registration<S> {
  return { service, handlers };
}

/**
 * The one way into core: whoever calls and by whatever protocol, access is checked, the clock is read once, and what is
 * thrown comes out as a ConnectError that says no more than its caller may know. Messages are never changed.
 */
export interface Dispatcher {
  readonly services: readonly DescService[];
  unary<I extends DescMethodUnary>(method: I, request: MessageShape<I["input"]>, call: IncomingCall): Promise<MessageShape<I["output"]>>;
  serverStream<I extends DescMethodServerStreaming>(method: I, request: MessageShape<I["input"]>, call: IncomingCall): AsyncIterable<MessageShape<I["output"]>>;
}
