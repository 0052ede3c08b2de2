import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Server and load each have a core, where the machine has two and `taskset`. */
const canPin = spawnSync("taskset", ["-c", "1", "true"]).status === 0;
const pinned = (core: number, command: readonly string[]): readonly string[] => (canPin ? ["taskset", "-c", `${core}`, ...command] : command);
const CLOCK_TICK = 10_000; // microseconds; Linux has shown 100 ticks a second to programs since ever

/** A server that is measured. */
export interface Running {
  readonly child: ChildProcess;
  /** What it printed after `ready`, or the URL that answered. */
  readonly url: string;
}

/**
 * Starts a script on the first core. It is ready when it prints `ready URL`, or when `health` answers; then it logs to /dev/null,
 * since reading what it logs would take CPU from what is measured.
 */
export async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, health?: string): Promise<Running> {
  const [command = "", ...rest] = pinned(0, [process.execPath, ...args]);
  const output = health === undefined ? "pipe" : "ignore";
  const child = spawn(command, rest, { stdio: ["ignore", output, output], env: { ...process.env, NODE_ENV: "production", ...env } });
  let said = "";
  let complained = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk));
  child.stderr?.on("data", (chunk: Buffer) => (complained += chunk));
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended with ${child.exitCode}: ${complained}`);
    const url = health === undefined ? /^ready (\S+)/m.exec(said)?.[1] : (await answers(health)) ? new URL(health).origin : undefined;
    if (url !== undefined) return { child, url };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`${args.join(" ")} was not ready: ${complained}`);
}

/** Runs a command on the second core and returns what it printed. @throws Error when it fails */
export async function runPinned(command: readonly string[]): Promise<string> {
  const [name = "", ...args] = pinned(1, command);
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}`);
  return said;
}

/** CPU time that a process has used with all its threads, in microseconds. Linux only. */
export function cpuMicros({ child }: Running): number {
  const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name in parentheses may hold anything
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK;
}

/** How the processes are spread. */
export const PINNING = canPin ? "server on core 0, load on core 1" : "server and load are not pinned";

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
