import type { Config } from "#lib/config.ts";
import { banner } from "./banner.ts";
import { developmentDefaults } from "./development.ts";
import { loadConfig } from "./load-config.ts";
import { makeLog } from "./log.ts";
import { type Part, roleOf } from "./part.ts";
import { reloadOnSignal } from "./reload.ts";
import { requireStartable } from "./require-startable.ts";
import { stopOnSignal } from "./stop.ts";

/** Flags of `writ serve`. */
export interface ServeFlags {
  readonly config?: readonly string[];
  readonly dev?: boolean;
}

/** Runs a server until it is asked to stop. @throws Error with one line for the operator when it may not or cannot start */
export async function serve(part: Part, flags: ServeFlags): Promise<void> {
  const config = await readConfig(part, flags);
  await requireStartable(config, part);
  // Loaded only for what may start: a refusal should come at once.
  const { start } = await import("./start.ts");
  const log = makeLog(config.log);
  reloadOnSignal(log, async () => (await readConfig(part, flags)).log);
  try {
    const running = await start(config, part, log);
    stopOnSignal(running, config.serve.shutdown_grace, log);
    log.flush();
    if (config.dev) process.stdout.write(banner(config, part, running.urls));
  } catch (error) {
    log.flush();
    throw error;
  }
}

async function readConfig(part: Part, { config: files = [], dev }: ServeFlags): Promise<Config> {
  const sources = { files, env: process.env, flags: { dev } };
  const config = loadConfig(sources);
  if (!config.dev) return config;
  return loadConfig({ ...sources, flags: { dev, ...(await developmentDefaults(config, roleOf(part, config))) } });
}
