import { connect, createServer, type Socket } from "node:net";

/** Sees what a client sends; `cut` ends the connection in place of the next answer. */
export type OnRequest = (data: Buffer, cut: () => void) => void;

/** A proxy that can cut a connection at a chosen moment. */
export interface Proxy {
  readonly port: number;
  watch(handler: OnRequest): void;
  close(): void;
}

/** Starts a proxy to a loopback port. */
export async function startProxy(port: number): Promise<Proxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let onRequest: OnRequest = () => {};
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    const pair = [client, upstream] as const;
    pairs.add(pair);
    let cutNext = false;
    client.on("data", (data) => {
      upstream.write(data);
      onRequest(data, () => {
        cutNext = true;
      });
    });
    upstream.on("data", (data) => {
      if (cutNext) for (const socket of pair) socket.destroy();
      else client.write(data);
    });
    for (const socket of pair) socket.on("error", () => {}).on("close", () => pair.forEach((each) => each.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    watch(handler) {
      onRequest = handler;
    },
    close() {
      for (const pair of pairs) for (const socket of pair) socket.destroy();
      server.close();
    },
  };
}
