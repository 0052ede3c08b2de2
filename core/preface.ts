import type { Socket } from "node:net";

/** Who takes a connection over. */
export interface Speakers {
  http1(socket: Socket): void;
  http2(socket: Socket): void;
}

const PREFACE = "PRI * HTTP/2.0";

/**
 * Hands a clear-text connection to whoever speaks what its first bytes are: HTTP/2 begins with a preface that is no request
 * of HTTP/1.1. Who has not shown it after `timeout` milliseconds is cut off.
 * @see RFC 9113 §3.3, §3.4
 */
export function sortByPreface(socket: Socket, { http1, http2 }: Speakers, timeout: number): void {
  const cut = (): void => void socket.destroy();
  const timer = setTimeout(cut, timeout);
  let seen: Buffer = Buffer.alloc(0);
  const look = (): void => {
    for (let more: Buffer | null = socket.read(); more !== null; more = socket.read()) seen = seen.length === 0 ? more : Buffer.concat([seen, more]);
    const text = seen.toString("latin1", 0, PREFACE.length);
    if (text.length < PREFACE.length && PREFACE.startsWith(text)) return;
    clearTimeout(timer);
    socket.off("readable", look).off("end", cut);
    socket.unshift(seen);
    if (text === PREFACE) http2(socket);
    else http1(socket);
  };
  socket.on("readable", look).on("end", cut);
  socket.once("close", () => clearTimeout(timer));
}
