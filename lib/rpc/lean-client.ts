import { Code, ConnectError } from "@connectrpc/connect";
import { codeFromHttpStatus, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { errors, type Dispatcher as Undici } from "undici";

/** One request of the Connect unary wire format. */
export interface LeanRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/** What became of a request. */
export type LeanOutcome =
  | { readonly kind: "answered"; readonly status: number; readonly type: string; readonly body: Uint8Array }
  /** The connection broke before anything was answered. `sent`: the peer may have seen the request. */
  | { readonly kind: "lost"; readonly sent: boolean; readonly error: Error };

/**
 * Sends a request and waits for its answer for so many milliseconds, time in the pool's queue included.
 * @throws ConnectError canceled or deadline_exceeded
 */
export function post(pool: Undici, { path, headers, body }: LeanRequest, timeoutMs: number, signal: AbortSignal | undefined): Promise<LeanOutcome> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let controller: Undici.DispatchController | undefined;
    let given: ConnectError | undefined;
    let status = 0;
    let type = "";
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    };
    const give = (reason: ConnectError): void => {
      settle();
      given = reason;
      reject(reason);
      controller?.abort(reason);
    };
    const lose = (error: Error): void => {
      settle();
      if (error instanceof errors.InvalidArgumentError) reject(new ConnectError("a header cannot be sent", Code.InvalidArgument, undefined, undefined, error));
      else if (status === 0) resolve({ kind: "lost", sent: controller !== undefined, error });
      else reject(new ConnectError("the answer broke off", Code.Unavailable, undefined, undefined, error));
    };
    const cancel = (): void => give(new ConnectError("the caller gave up", Code.Canceled));
    const timer = setTimeout(() => give(new ConnectError("the deadline passed", Code.DeadlineExceeded)), timeoutMs);
    if (signal?.aborted === true) return cancel();
    signal?.addEventListener("abort", cancel);
    pool.dispatch(
      { path, method: "POST", headers, body, headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart(started) {
          controller = started;
          if (given !== undefined) started.abort(given); // while it waited for a connection
        },
        onResponseStart(_controller, statusCode, answered) {
          status = statusCode;
          type = String(answered["content-type"] ?? "");
        },
        onResponseData(_controller, chunk) {
          chunks.push(chunk);
        },
        onResponseEnd() {
          settle();
          resolve({ kind: "answered", status, type, body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) });
        },
        onResponseError(_controller, error) {
          lose(error);
        },
      },
    );
  });
}

/** The message's bytes. @throws ConnectError when the answer is an error, or no answer of core's */
export function readAnswer({ status, type, body }: LeanOutcome & { kind: "answered" }): Uint8Array {
  if (status === 200 && type === "application/proto") return body;
  const fallback = new ConnectError(`core answered with status ${status}`, status === 200 ? Code.Internal : codeFromHttpStatus(status));
  if (status === 200 || !type.startsWith("application/json")) throw fallback;
  throw errorIn(body, fallback);
}

function errorIn(body: Uint8Array, fallback: ConnectError): ConnectError {
  try {
    return errorFromJsonBytes(body, undefined, fallback);
  } catch {
    return fallback;
  }
}
