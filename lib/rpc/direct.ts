import { create, type DescMessage, type DescMethodStreaming, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from "@connectrpc/connect";
import type { Dispatcher, IncomingCall } from "./call.ts";

type HeadersInput = ConstructorParameters<typeof Headers>[0];

const NO_HEADERS = new Headers();

/**
 * A transport that calls a dispatcher in the same process: through the same checks as the network, with messages as they
 * are (nobody changes one) and no bytes. Headers are a plain record; `authorization` and `x-request-id` are read.
 */
export function createDirectTransport(dispatcher: Dispatcher): Transport {
  return {
    async unary<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInput | undefined,
      input: MessageInitShape<I>,
    ): Promise<UnaryResponse<I, O>> {
      const call = incomingCall(header, signal);
      const answer = dispatcher.unary(method, create(method.input, input), call);
      const message = timeoutMs === undefined && signal === undefined ? await answer : await beforeDeadline(answer, timeoutMs, signal);
      return { stream: false, service: method.parent, method, header: NO_HEADERS, trailer: NO_HEADERS, message };
    },
    async stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      _timeoutMs: number | undefined,
      header: HeadersInput | undefined,
      input: AsyncIterable<MessageInitShape<I>>,
    ): Promise<StreamResponse<I, O>> {
      if (method.methodKind !== "server_streaming") throw new ConnectError(`${method.methodKind} is not supported in process`, Code.Unimplemented);
      for await (const first of input) {
        const message = dispatcher.serverStream(method as never, create(method.input, first) as never, incomingCall(header, signal)) as AsyncIterable<never>;
        return { stream: true, service: method.parent, method, header: NO_HEADERS, trailer: NO_HEADERS, message };
      }
      throw new ConnectError("the request message is missing", Code.InvalidArgument);
    },
  };
}

function incomingCall(header: HeadersInput | undefined, signal: AbortSignal | undefined): IncomingCall {
  const record = (header ?? {}) as Readonly<Record<string, string | undefined>>;
  return { via: "direct", authorization: record.authorization, certificateSha256: undefined, requestId: record["x-request-id"], signal };
}

/** The answer, unless the deadline passes or the caller gives up before it is there. */
function beforeDeadline<T>(answer: Promise<T>, timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => reject(new ConnectError("the deadline passed", Code.DeadlineExceeded)), timeoutMs);
    const give = () => reject(new ConnectError("the caller gave up", Code.Canceled));
    signal?.addEventListener("abort", give);
    if (signal?.aborted === true) give();
    answer.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", give);
    });
  });
}
