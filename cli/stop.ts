import type { ProcessLog } from "./log.ts";
import type { Running } from "./start.ts";

/** How much longer than requests are waited for the process may take to end. Milliseconds. */
const LAST_MOMENTS = 5000;

/**
 * Ends the process when it is asked to, and when something failed that nobody caught: the first signal lets requests under
 * way end and exits with 0, a second one exits at once; a failure exits with 1.
 */
export function stopOnSignal(running: Running, graceMillis: number, log: ProcessLog): void {
  let stopping = false;
  const exit = (code: number): never => {
    log.flush();
    process.exit(code);
  };
  const stop = (reason: string, code: number): void => {
    if (stopping) exit(1);
    stopping = true;
    running.drain();
    log.info("server_stopping", { reason });
    // Whatever hangs, the process does not.
    setTimeout(() => exit(1), graceMillis + LAST_MOMENTS).unref();
    running.close().then(
      () => {
        log.info("server_stopped", { reason });
        exit(code);
      },
      (cause: unknown) => {
        log.error("internal_error", { cause });
        exit(1);
      },
    );
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => stop(signal, 0));
  for (const event of ["uncaughtException", "unhandledRejection"] as const)
    process.on(event, (cause: unknown) => {
      log.error("internal_error", { cause });
      // One failure begins the end; those that come while it is under way are told and change nothing.
      if (!stopping) stop(event, 1);
    });
}
