import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

/** What a body is to be. */
export interface ReadableBody {
  readonly message: DescMessage;
  /** It stands behind a byte of flags and four of length, as in gRPC and in streams. */
  readonly isEnveloped: boolean;
  readonly maxBytes: number;
}

const ENVELOPE = 5;

/**
 * The body of a call with one message in binary, as it comes, but that a message which cannot be read is the caller's mistake:
 * Connect's stack has it as an internal error, in the words of its parser. All else that can be wrong is left to that.
 */
export async function* requireReadable(body: AsyncIterable<Uint8Array>, { message, isEnveloped, maxBytes }: ReadableBody): AsyncIterable<Uint8Array> {
  const head = isEnveloped ? ENVELOPE : 0;
  let held: Uint8Array = new Uint8Array();
  let isHeld = true;
  for await (const chunk of body) {
    held = isHeld && held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    isHeld &&= held.length <= head + maxBytes && !(isEnveloped && held.length >= ENVELOPE && lengthOf(held) > maxBytes);
    if (!isHeld) yield held;
  }
  if (!isHeld || held.length === 0) return;
  const isWhole = !isEnveloped || (held.length >= ENVELOPE && held[0] === 0 && held.length === ENVELOPE + lengthOf(held));
  if (isWhole && !isReadable(message, held.subarray(head))) throw new ConnectError(`the body is no ${message.typeName}`, Code.InvalidArgument);
  yield held;
}

function lengthOf(envelope: Uint8Array): number {
  return new DataView(envelope.buffer, envelope.byteOffset, ENVELOPE).getUint32(1);
}

function isReadable(message: DescMessage, bytes: Uint8Array): boolean {
  try {
    fromBinary(message, bytes);
    return true;
  } catch {
    return false;
  }
}
