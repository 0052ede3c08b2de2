import { chmodSync, chownSync, existsSync, lstatSync, readFileSync, unlinkSync } from "node:fs";
import { type AddressInfo, connect, type Server } from "node:net";
import type { Config } from "../config.ts";

/** Where a listener is to listen. */
export type Address = Pick<Config["serve"]["rpc"], "host" | "port" | "socket">;

const UNIX = "unix:";

/** Listens. Gives the URL, with the port that it got. @throws Error with one line for the operator when it cannot */
export async function listenAt(name: "public" | "admin" | "rpc", server: Server, { host, port, socket }: Address, isSecure: boolean): Promise<string> {
  if (host.startsWith(UNIX)) {
    await listenOnFile(name, server, host.slice(UNIX.length), socket);
    return host;
  }
  await started(
    server,
    () => server.listen({ host: host.replace(/^\[|\]$/g, ""), port }),
    (error) => (error.code === "EADDRINUSE" ? new Error(`serve.${name}.port ${port} is taken: set another, such as SERVE_${name.toUpperCase()}_PORT=${port + 10}`) : error),
  );
  const { port: actual } = server.address() as AddressInfo; // of a listening TCP server
  return `${isSecure ? "https" : "http"}://${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${actual}`;
}

/** A socket file that a process left behind when it was killed is taken away; one that somebody answers on is not. */
async function listenOnFile(name: string, server: Server, path: string, { owner, group, mode }: Address["socket"]): Promise<void> {
  const [uid, gid] = [idOf(name, "owner", owner, "/etc/passwd"), idOf(name, "group", group, "/etc/group")];
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined) {
    if (!there.isSocket()) throw new Error(`serve.${name}.host ${UNIX}${path}: there is a file of another kind, which is left alone`);
    if (await isAnswered(path)) throw new Error(`serve.${name}.host ${UNIX}${path} is taken: another process listens there`);
    unlinkSync(path);
  }
  // Nobody but us may connect before owner and mode are right.
  const before = process.umask(0o177);
  const starting = started(
    server,
    () => server.listen(path),
    (error) => new Error(`serve.${name}.host ${UNIX}${path} cannot be listened on (${error.code})`),
  );
  process.umask(before); // the file is made by the call itself
  await starting;
  try {
    if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? process.getuid?.() ?? -1, gid ?? process.getgid?.() ?? -1);
    chmodSync(path, Number.parseInt(mode, 8));
  } catch (error) {
    server.close();
    throw new Error(`serve.${name}.socket: ${path} cannot be given its owner, group or mode (${(error as NodeJS.ErrnoException).code})`);
  }
}

function started(server: Server, listen: () => void, explain: (error: NodeJS.ErrnoException) => Error): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(explain(error));
    server.once("error", fail);
    server.once("listening", () => {
      server.off("error", fail);
      resolve();
    });
    listen();
  });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/** Node knows no names of users and groups; they are lines `name:x:id:…` of a file (passwd(5), group(5)). */
function idOf(listener: string, what: "owner" | "group", name: string | undefined, file: string): number | undefined {
  if (name === undefined || name === "") return undefined;
  if (/^\d{1,10}$/.test(name)) return Number(name);
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const id = lines.map((line) => line.split(":")).find(([each]) => each === name)?.[2];
  if (id === undefined) throw new Error(`serve.${listener}.socket.${what} is '${name}', which ${file} does not know`);
  return Number(id);
}
