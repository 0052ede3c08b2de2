import * as http2 from "node:http2";
import { Code } from "@connectrpc/connect";

/** What a call came to: a code of gRPC by its name, or `ok`, or the HTTP status of what is no answer of a call. */
export type Outcome = { readonly code: string; readonly text: string };

const NAMES = new Map(
  Object.entries(Code).flatMap(([name, code]) => (typeof code === "number" ? [[code, name.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()] as const] : [])),
);

function nameOf(status: string | undefined): string {
  if (status === "0") return "ok";
  return NAMES.get(Number(status)) ?? `grpc-status ${status}`;
}

/** Sends a request of the Connect protocol, or one that is none. */
export async function sendConnect(url: string, init: RequestInit): Promise<Outcome> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (response.status === 200) return { code: "ok", text };
  const isJson = /^application\/json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return { code: isJson ? String(JSON.parse(text).code) : `HTTP ${response.status}`, text };
}

/** Sends a request of gRPC-Web; its trailers come in the body, or at once as headers. */
export async function sendGrpcWeb(url: string, body: Uint8Array, type = "application/grpc-web+proto"): Promise<Outcome> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body });
  const text = Buffer.from(await response.arrayBuffer()).toString("latin1");
  const [, inBody] = /grpc-status: ?(\d+)/i.exec(text) ?? [];
  const status = inBody ?? response.headers.get("grpc-status") ?? undefined;
  return { code: status === undefined ? `HTTP ${response.status}` : nameOf(status), text };
}

/** Sends the one message of a Connect stream; what went wrong is in the last of its answers. */
export async function sendStream(url: string, body: Uint8Array): Promise<Outcome> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/connect+proto" }, body });
  const text = Buffer.from(await response.arrayBuffer()).toString("latin1");
  const [, code] = /"code":"(\w+)"/.exec(text) ?? [];
  return { code: code ?? (response.status === 200 ? "ok" : `HTTP ${response.status}`), text };
}

/** Sends requests of gRPC over one connection. */
export function openGrpc(url: string): { send(path: string, body: Uint8Array, headers?: http2.OutgoingHttpHeaders): Promise<Outcome>; close(): void } {
  const session = http2.connect(url).on("error", () => {});
  return {
    send: (path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc+proto", te: "trailers", ...headers });
        let answered: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
        let trailers: http2.IncomingHttpHeaders = {};
        stream.on("response", (head) => {
          answered = head;
        });
        stream.on("trailers", (tail) => {
          trailers = tail;
        });
        stream.on("data", () => {}).on("error", reject);
        stream.on("end", () => {
          const status = trailers["grpc-status"] ?? answered["grpc-status"];
          const text = String(trailers["grpc-message"] ?? answered["grpc-message"] ?? "");
          resolve({ code: status === undefined ? `HTTP ${answered[":status"]}` : nameOf(String(status)), text });
          stream.close(); // what is not sent by now nobody reads
        });
        stream.end(body);
      }),
    close: () => session.close(),
  };
}

/** A message in the envelope of gRPC and of streams: a byte of flags and four of length. */
export function envelope(message: Uint8Array, flags = 0, length = message.length): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}
