import { Code, ConnectError } from "@connectrpc/connect";

/** What a caller of a transport may give as headers. On hot paths it is a plain record with names in lower case. */
export type HeadersInput = ConstructorParameters<typeof Headers>[0] | undefined;

/**
 * The headers as a plain record with names in lower case: two spellings of `authorization` must not both be sent, or the
 * receiver would choose whose call it is.
 * @throws ConnectError invalid_argument when one of them occurs twice
 */
export function plainHeaders(header: HeadersInput): Record<string, string> {
  const plain: Record<string, string> = {};
  if (header === undefined) return plain;
  const entries = Symbol.iterator in header ? (header as Iterable<readonly [string, string]>) : Object.entries(header);
  for (const [name, value] of entries) {
    if (value === undefined) continue;
    const lower = name.toLowerCase();
    if (lower in plain) throw new ConnectError(`the header ${lower} is there twice`, Code.InvalidArgument);
    plain[lower] = String(value);
  }
  return plain;
}
