import { Code, ConnectError } from "@connectrpc/connect";

/** How long a call may go on. */
export interface Limit {
  /** Fires when the caller gives up or the deadline passes; its reason is a ConnectError. */
  readonly signal: AbortSignal;
  /** The call is over: nothing is waited for any more. */
  end(): void;
}

/** Joins a caller's signal and a deadline in milliseconds. */
export function makeLimit(signal: AbortSignal | undefined, timeoutMs: number | undefined): Limit {
  const controller = new AbortController();
  const give = (): void => controller.abort(new ConnectError("the caller gave up", Code.Canceled));
  const late = (): void => controller.abort(new ConnectError("the deadline passed", Code.DeadlineExceeded));
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, Math.max(0, timeoutMs));
  if (signal?.aborted === true) give();
  else signal?.addEventListener("abort", give);
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", give);
    },
  };
}

/** What is waited for, unless the signal fires before: then its reason is thrown, and what comes later is dropped. */
export function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(signal.reason);
    const settle = (): void => signal.removeEventListener("abort", give);
    if (signal.aborted) give();
    else signal.addEventListener("abort", give);
    awaited.then(resolve, reject).finally(settle);
  });
}
