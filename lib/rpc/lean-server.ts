import { isUtf8 } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { type DescMessage, type DescMethodUnary, fromBinary, fromJsonString, type MessageShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJsonBytes } from "@connectrpc/connect/protocol-connect";
import type { Log } from "../events.ts";
import { endInOnePiece } from "../one-piece.ts";
import { endOfTurn } from "../turn.ts";
import type { Dispatcher, IncomingCall } from "./call.ts";
import { isWellFormed } from "./well-formed.ts";

/** Who sends a request, as far as the connection and the headers tell. */
export type Origin = Omit<IncomingCall, "signal">;

/** Takes a request if it is one that this handler is for; false: somebody else must. */
export type LeanHandler = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse, origin: Origin) => boolean;

/** What a lean handler is made of. */
export interface LeanOptions {
  /** A larger message is refused. */
  readonly maxBytes: number;
  readonly log: Log;
}

interface Codec {
  parse<D extends DescMessage>(schema: D, body: Buffer): MessageShape<D>;
  write<D extends DescMessage>(schema: D, message: MessageShape<D>): Uint8Array;
}

const CODECS: ReadonlyMap<string | undefined, Codec> = new Map([
  ["application/proto", { parse: fromBinary, write: toBinary }],
  [
    "application/json",
    {
      parse(schema, body) {
        if (!isUtf8(body)) throw new Error("not UTF-8");
        const message = fromJsonString(schema, body.toString(), { ignoreUnknownFields: true });
        if (!isWellFormed(message)) throw new Error("half a character");
        return message;
      },
      write: (schema, message) => Buffer.from(toJsonString(schema, message)),
    } satisfies Codec,
  ],
]);

/**
 * Serves the Connect unary wire format over HTTP/1.1 and HTTP/2. Everything else (gRPC, gRPC-Web, compression, GET, streams)
 * is left to Connect's own handler, which does it all and costs several times as much a call (docs/adr/0003-transport.md).
 * @see Connect protocol, "Unary-Request"
 */
export function makeLeanHandler(dispatcher: Dispatcher, { maxBytes, log }: LeanOptions): LeanHandler {
  const methods = new Map<string | undefined, DescMethodUnary>();
  for (const service of dispatcher.services)
    for (const method of service.methods) if (method.methodKind === "unary") methods.set(`/${service.typeName}/${method.name}`, method as DescMethodUnary);

  return (request, response, origin) => {
    const method = methods.get(request.url);
    const codec = CODECS.get(request.headers["content-type"]);
    if (method === undefined || codec === undefined || !isPlain(request)) return false;
    const answerOnce = (error: ConnectError): void => {
      if (!response.headersSent) send(response, codeToHttpStatus(error.code), "application/json", errorToJsonBytes(error, undefined));
    };
    const version = request.headers["connect-protocol-version"];
    if (version !== undefined && version !== "1") {
      answerOnce(new ConnectError("Connect-Protocol-Version is not 1", Code.InvalidArgument));
      return true;
    }
    const { call, end } = begin(request, response, origin, answerOnce);
    const answer = async (body: Buffer): Promise<void> => {
      await endOfTurn();
      try {
        const message = await dispatcher.unary(method, parse(codec, method.input, body), call);
        if (!response.headersSent) send(response, 200, request.headers["content-type"] ?? "", codec.write(method.output, message));
      } catch (error) {
        if (!(error instanceof ConnectError)) log.error("internal_error", { method: `${method.parent.typeName}/${method.name}`, cause: error }); // an answer that fits no message
        answerOnce(error instanceof ConnectError ? error : new ConnectError("internal error", Code.Internal));
      } finally {
        end();
      }
    };
    let chunks: Buffer[] | undefined = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      if (chunks === undefined) return;
      size += chunk.length;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      // Answered at once, and read to its end all the same so that the sender sees the answer; the listener bounds the time.
      chunks = undefined;
      answerOnce(new ConnectError(`the message is larger than ${maxBytes} bytes`, Code.ResourceExhausted));
    });
    request.on("end", () => {
      if (chunks !== undefined) void answer(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    });
    return true;
  };
}

function isPlain({ method, headers }: IncomingMessage | Http2ServerRequest): boolean {
  const { "content-encoding": encoding, "connect-timeout-ms": timeout } = headers;
  return method === "POST" && (encoding === undefined || encoding === "identity") && (timeout === undefined || /^\d{1,9}$/.test(String(timeout)));
}

interface Begun {
  readonly call: IncomingCall;
  /** It is answered: no deadline any more. */
  end(): void;
}

/** The call, whose signal is made when somebody asks for it: nearly nobody does, and it costs more than most calls. */
function begin(
  { headers }: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
  { via, authorization, certificateSha256, requestId }: Origin,
  answerOnce: (error: ConnectError) => void,
): Begun {
  let controller: AbortController | undefined;
  let over: ConnectError | undefined;
  const giveUp = (reason: ConnectError): void => {
    over ??= reason;
    controller?.abort(over);
  };
  const timeout = headers["connect-timeout-ms"];
  const late = (): void => {
    giveUp(new ConnectError("the deadline passed", Code.DeadlineExceeded));
    answerOnce(new ConnectError("the deadline passed", Code.DeadlineExceeded));
  };
  // Node counts no longer; a caller that waits for weeks waits without a limit.
  const timer = timeout === undefined ? undefined : setTimeout(late, Math.min(Number(timeout), 2 ** 31 - 1));
  response.on("close", () => {
    clearTimeout(timer);
    if (!response.writableEnded) giveUp(new ConnectError("the caller hung up", Code.Canceled));
  });
  const call: IncomingCall = {
    via,
    authorization,
    certificateSha256,
    requestId,
    get signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (over !== undefined) controller.abort(over);
      }
      return controller.signal;
    },
  };
  return { call, end: () => clearTimeout(timer) };
}

function parse<D extends DescMessage>(codec: Codec, schema: D, body: Buffer): MessageShape<D> {
  try {
    return codec.parse(schema, body);
  } catch {
    throw new ConnectError(`the body is no ${schema.typeName}`, Code.InvalidArgument);
  }
}

function send(response: ServerResponse | Http2ServerResponse, status: number, type: string, body: Uint8Array): void {
  // Both kinds take the same arguments, which their types do not say.
  (response as ServerResponse).writeHead(status, { "content-type": type, "content-length": body.length });
  endInOnePiece(response as ServerResponse, body);
}
