import { create, type DescMessage, type DescMethodStreaming, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from "@connectrpc/connect";
import type { Dispatcher, IncomingCall } from "./call.ts";
import { type HeadersInput, plainHeaders } from "./headers.ts";
import { type Limit, makeLimit, unlessAborted } from "./limit.ts";

const NO_HEADERS = Object.freeze(new Headers());

/**
 * A transport that calls a dispatcher in the same process: through the same checks as the network, with messages as they
 * are (nobody changes one) and no bytes. Of the headers, `authorization` and `x-request-id` are read.
 */
export function createDirectTransport(dispatcher: Dispatcher): Transport {
  return {
    async unary<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInput,
      input: MessageInitShape<I>,
    ): Promise<UnaryResponse<I, O>> {
      const request = create(method.input, input);
      const message =
        signal === undefined && timeoutMs === undefined
          ? await dispatcher.unary(method, request, incomingCall(header, undefined))
          : await limited(makeLimit(signal, timeoutMs), (limit) => dispatcher.unary(method, request, incomingCall(header, limit)));
      return { stream: false, service: method.parent, method, header: NO_HEADERS, trailer: NO_HEADERS, message };
    },
    async stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInput,
      input: AsyncIterable<MessageInitShape<I>>,
    ): Promise<StreamResponse<I, O>> {
      if (method.methodKind !== "server_streaming") throw new ConnectError(`${method.methodKind} is not supported in process`, Code.Unimplemented);
      for await (const first of input) {
        const limit = makeLimit(signal, timeoutMs);
        const answers = dispatcher.serverStream(method, create(method.input, first), incomingCall(header, limit.signal));
        return { stream: true, service: method.parent, method, header: NO_HEADERS, trailer: NO_HEADERS, message: untilAborted<MessageShape<O>>(answers, limit) };
      }
      throw new ConnectError("the request message is missing", Code.InvalidArgument);
    },
  };
}

function incomingCall(header: HeadersInput, signal: AbortSignal | undefined): IncomingCall {
  if (header === undefined) return { via: "direct", authorization: undefined, certificateSha256: undefined, requestId: undefined, signal };
  const { authorization, "x-request-id": requestId } = plainHeaders(header);
  return { via: "direct", authorization, certificateSha256: undefined, requestId, signal };
}

async function limited<T>({ signal, end }: Limit, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted();
    return await unlessAborted(call(signal), signal);
  } finally {
    end();
  }
}

/** Passes messages on until the limit; then the reason is thrown, even if the handler does not look at its signal. */
async function* untilAborted<T>(messages: AsyncIterable<T>, { signal, end }: Limit): AsyncIterable<T> {
  const iterator = messages[Symbol.asyncIterator]();
  try {
    for (let next = await unlessAborted(iterator.next(), signal); next.done !== true; next = await unlessAborted(iterator.next(), signal)) yield next.value;
  } finally {
    end();
    iterator.return?.().catch(() => {}); // not awaited: a handler that waits for something else would keep its caller
  }
}
