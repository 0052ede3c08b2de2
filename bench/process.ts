import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus } from "node:os";

/** Servers and load each have a core, where the machine has two and `taskset`; this process is with the load (scripts/bench.mjs). */
const canPin = spawnSync("taskset", ["-c", "0,1", "true"]).status === 0;
const onServersCore = (command: readonly string[], core: number): readonly string[] => (canPin ? ["taskset", "-c", String(core), ...command] : command);

/** Whether two servers and their load can have cores of their own. */
export const CAN_SCALE = canPin && cpus().length >= 4;

/** How the processes are spread. */
export const PINNING = canPin ? "servers on core 0, load on core 1" : "servers and load are not pinned";

/** A process whose CPU is measured. */
export interface Measured {
  readonly child: { readonly pid?: number | undefined };
}

/** A server that is measured, and that the bench has started. */
export interface Running extends Measured {
  readonly child: ChildProcess;
  /** What it printed after `ready`, or the URL that answered. */
  readonly url: string;
  /** Milliseconds from its start until it was ready. */
  readonly startedIn: number;
}

/** What was started and must be stopped, whatever happens. */
export const opened: ChildProcess[] = [];

/**
 * Starts a script on the servers' core, or another. It is ready when it prints `ready URL`, or when `health` answers; then it logs to
 * /dev/null, since reading what it logs would take CPU from what is measured.
 */
export async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, health?: string, core = 0): Promise<Running> {
  const [command = "", ...rest] = onServersCore([process.execPath, ...args], core);
  const output = health === undefined ? "pipe" : "ignore";
  const began = performance.now();
  const child = spawn(command, rest, { stdio: ["ignore", output, health === undefined ? "pipe" : "ignore"], env: { ...process.env, NODE_ENV: "production", ...env } });
  opened.push(child);
  let said = "";
  let complained = "";
  child.stdout?.on("data", (chunk: Buffer) => (said += chunk));
  child.stderr?.on("data", (chunk: Buffer) => (complained += chunk));
  while (performance.now() - began < 20_000) {
    if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended with ${child.exitCode}: ${complained}`);
    const url = health === undefined ? /^ready (\S+)/m.exec(said)?.[1] : (await answers(health)) ? new URL(health).origin : undefined;
    if (url !== undefined) return { child, url, startedIn: performance.now() - began };
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`${args.join(" ")} was not ready: ${complained}`);
}

/** Ends a server and waits for that. */
export async function stop({ child }: Running): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

/** Runs a command beside the load and returns what it printed. @throws Error when it fails */
export async function run(command: readonly string[]): Promise<string> {
  const [name = "", ...args] = command;
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.once("error", reject).once("close", resolve));
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${said}`);
  return said;
}

/** Whether a command is installed. */
export function has(command: string): boolean {
  return spawnSync(command, ["--version"]).error === undefined;
}

/** CPU time that processes have used with all their threads, in microseconds. Linux only: the scheduler counts nanoseconds. */
export function cpuMicros(servers: readonly Measured[]): number {
  let nanos = 0;
  for (const { child } of servers)
    for (const task of readdirSync(`/proc/${child.pid}/task`)) nanos += Number(readFileSync(`/proc/${child.pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
  return nanos / 1000;
}

/** Resident memory of a process, in MiB. Linux only. */
export function residentMiB({ child }: Running): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.status < 500, // the RPC port knows no such path
    () => false,
  );
}
