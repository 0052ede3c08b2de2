import { type Code, ConnectError } from "@connectrpc/connect";

/** Ends a call with a code that says all there is to say; the admin REST API has a text for it. */
export function raise(code: Code): never {
  throw new ConnectError("", code);
}
