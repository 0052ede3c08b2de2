import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConnection } from "mysql2/promise";
import { freePort } from "./port.ts";

const SERVER = ["/usr/sbin/mariadbd", "/usr/bin/mariadbd", "/usr/local/bin/mariadbd"].find((path) => existsSync(path));

/** Whether tests can have a MariaDB. With WRIT_REQUIRE_MARIADB=1 its lack is a failure. */
export function hasMariadb(): boolean {
  if (SERVER !== undefined) return process.env.WRIT_SKIP_MARIADB !== "1";
  if (process.env.WRIT_REQUIRE_MARIADB === "1") throw new Error("mariadbd is required for this run and is not installed");
  console.warn("mariadbd is not installed: the cases over MariaDB are left out");
  return false;
}

let server: Promise<number> | undefined;
let serverPid: number | undefined;
let databases = 0;

/** DSN of a new, empty database on a server that lives as long as this process. `durable`: it waits for the disk at each commit, as it must in production; the first call decides. */
export async function freshMysqlDsn({ durable = false } = {}): Promise<string> {
  server ??= startServer(durable);
  const port = await server;
  const name = `writ_${process.pid}_${++databases}`;
  const connection = await createConnection({ host: "127.0.0.1", port, user: "root" });
  await connection.query(`CREATE DATABASE ${name}`);
  await connection.end();
  return `mysql://root:@tcp(127.0.0.1:${port})/${name}?max_conns=8`;
}

/** Process id of that server. Undefined: it was not started yet. */
export const mariadbPid = (): number | undefined => serverPid;

/** On a machine that is busy with other servers it may need a second try: a port is taken meanwhile, or the installation gives up. */
async function startServer(durable: boolean): Promise<number> {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(durable);
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

async function startOnce(durable: boolean): Promise<number> {
  if (SERVER === undefined) throw new Error("mariadbd is not installed");
  const folder = mkdtempSync(join(tmpdir(), "writ-mariadb-"));
  const asRoot = process.getuid?.() === 0;
  const user = asRoot ? ["--user=mysql"] : [];
  if (asRoot) execFileSync("chown", ["mysql", folder]);
  const data = join(folder, "data");
  execFileSync("mariadb-install-db", ["--no-defaults", `--datadir=${data}`, "--auth-root-authentication-method=normal", "--skip-test-db", ...user], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const port = await freePort();
  const child = spawn(
    SERVER,
    [
      "--no-defaults",
      `--datadir=${data}`,
      `--socket=${join(folder, "s")}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      `--innodb-flush-log-at-trx-commit=${durable ? 1 : 0}`,
      `--innodb-buffer-pool-size=${durable ? 512 : 32}M`,
      "--performance-schema=OFF",
      ...user,
    ],
    { stdio: "ignore" },
  );
  stopWithProcess(child, folder);
  for (let tries = 0; tries < 200; tries++) {
    try {
      await (await createConnection({ host: "127.0.0.1", port, user: "root" })).end();
      serverPid = child.pid;
      return port;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  child.kill("SIGKILL");
  throw new Error("mariadbd did not start");
}

/** The server must neither keep the test process alive nor outlive it. */
function stopWithProcess(child: ChildProcess, folder: string): void {
  child.unref();
  // A test run that is cut short ends by a signal, and then nothing calls the exit handlers by itself.
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => process.exit(1));
  process.on("exit", () => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }); // the server may still be dying
  });
}
