import { Code, ConnectError } from "@connectrpc/connect";

const MALFORMED = Symbol("malformed");

/** A request that cannot be read at all, which Hydra tells apart from one that asks for something that may not be. */
export function malformed(description: string): ConnectError {
  return new ConnectError(description, Code.InvalidArgument, undefined, undefined, MALFORMED);
}

/** Whether an error was made by `malformed`. */
export function isMalformed(error: ConnectError): boolean {
  return error.cause === MALFORMED;
}
