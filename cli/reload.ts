import type { Config } from "#lib/config.ts";
import { explain } from "./explain.ts";
import type { ProcessLog } from "./log.ts";

/**
 * At SIGHUP reads the configuration again and goes on logging as it says; nothing else of it can change in a running process.
 * What is wrong with it is logged, and changes nothing. At a terminal SIGHUP means that the terminal has gone, and ends the process.
 */
export function reloadOnSignal(log: ProcessLog, read: () => Promise<Config["log"]>): void {
  if (process.stdin.isTTY === true) return;
  process.on("SIGHUP", () => {
    read().then(
      (config) => {
        log.reset(config);
        log.info("log_reloaded", { least: config.level });
      },
      (error: unknown) => log.error("log_reload_failed", { reason: explain(error) }),
    );
  });
}
