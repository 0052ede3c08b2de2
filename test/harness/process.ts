import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";

/** What a command came to. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The environment without anything that would configure a server or a command. */
export function cleanEnv(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env };
}

/** Runs `writ` with arguments to its end. */
export function writ(
  args: readonly string[],
  { env = {}, cwd, input }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly input?: string } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [new URL("../../cli/main.ts", import.meta.url).pathname, ...args],
      { env: cleanEnv(env), cwd, timeout: 30_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, stdout, stderr });
      },
    );
    child.stdin?.end(input ?? "");
  });
}

/** A server in a process of its own. */
export interface Served {
  readonly urls: Readonly<Record<string, string>>;
  readonly child: ChildProcess;
  /** Everything that it wrote to standard error so far. */
  log(): string;
  /** Sends a signal and waits for the end. Returns the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts `writ serve …` and waits until it listens on every port that it says it will. */
export async function serve(
  args: readonly string[],
  {
    env = {},
    cwd,
    listeners = ["public", "admin", "rpc"],
  }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly listeners?: readonly string[] } = {},
): Promise<Served> {
  const ports = { SERVE_PUBLIC_PORT: "0", SERVE_ADMIN_PORT: "0", SERVE_RPC_PORT: "0", SERVE_DEMO_PORT: "0", SERVE_PUBLIC_HOST: "127.0.0.1", LOG_FORMAT: "json" };
  const child = spawn(process.execPath, [new URL("../../cli/main.ts", import.meta.url).pathname, "serve", ...args], {
    env: cleanEnv({ ...ports, ...env }),
    cwd,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  const urls: Record<string, string> = {};
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    log += chunk;
  });
  for (let tries = 0; listeners.some((name) => urls[name] === undefined); tries++) {
    if (child.exitCode !== null || tries > 400) throw new Error(`the server did not start: ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
    for (const line of log.split("\n").filter((each) => each.includes('"server_listening"'))) {
      const { listener, url } = JSON.parse(line) as { listener: string; url: string };
      urls[listener] = url;
    }
  }
  return {
    urls,
    child,
    log: () => log,
    async stop(signal = "SIGTERM") {
      const ended = once(child, "exit");
      child.kill(signal);
      return (await ended)[0] as number | null;
    },
  };
}
