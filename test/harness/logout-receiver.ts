import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a client got by the back channel. */
export interface Received {
  readonly method: string;
  readonly type: string;
  readonly form: URLSearchParams;
}

/** A client's back-channel logout endpoint. */
export interface LogoutReceiver {
  readonly url: string;
  readonly received: Received[];
  /** What it answers from now on. 0: nothing at all. */
  answer(status: number): void;
  /** Waits until so many have come. */
  waitFor(count: number): Promise<readonly Received[]>;
  close(): void;
}

/** Starts one on loopback. */
export async function startLogoutReceiver(port = 0): Promise<LogoutReceiver> {
  const received: Received[] = [];
  let status = 200;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    received.push({ method: request.method ?? "", type: request.headers["content-type"] ?? "", form: new URLSearchParams(body) });
    if (status !== 0) response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {}).end();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/backchannel`,
    received,
    answer(next) {
      status = next;
    },
    async waitFor(count) {
      for (let tries = 0; received.length < count; tries++) {
        if (tries > 400) throw new Error(`${received.length} of ${count} logout tokens came`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      return received;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
