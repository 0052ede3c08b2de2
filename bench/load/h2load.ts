import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { has, run } from "../process.ts";
import { CONNECTIONS, type Outcome } from "./wrk.ts";

/** Whether gRPC can be loaded (Debian: apt install nghttp2-client). */
export const hasH2load = has("h2load");

const STREAMS = 8;

/** Loads a gRPC method over HTTP/2 with the same message again and again. @throws Error when a call fails */
export async function grpcLoad(url: string, message: Uint8Array, seconds: number, folder: string): Promise<Outcome> {
  const file = join(folder, "grpc.bin");
  const head = Buffer.alloc(5); // gRPC over HTTP/2, "Length-Prefixed-Message"
  head.writeUInt32BE(message.length, 1);
  writeFileSync(file, Buffer.concat([head, message]));
  const said = await run([
    "h2load",
    `-c${CONNECTIONS / STREAMS}`,
    `-m${STREAMS}`,
    "-t1",
    `-D${Math.max(1, Math.round(seconds))}`,
    "-d",
    file,
    "-H",
    "content-type: application/grpc",
    "-H",
    "te: trailers",
    url,
  ]);
  const [, done = 0] = (/requests: .*?(\d+) done/.exec(said) ?? []).map(Number);
  const [, good = 0] = (/status codes: (\d+) 2xx/.exec(said) ?? []).map(Number);
  const took = /finished in ([\d.]+)s/.exec(said)?.[1];
  if (done === 0 || good < done || took === undefined) throw new Error(`${url}: ${good} of ${done} calls succeeded\n${said}`);
  return { requests: done, seconds: Number(took), p50: Number.NaN, p99: Number.NaN };
}
