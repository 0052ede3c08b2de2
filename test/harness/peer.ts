import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server of somebody else, which Writ fetches from. */
export interface Peer {
  readonly url: string;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
  /** What is at a path from now on. */
  serve(path: string, answer: unknown): void;
  close(): void;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts one on loopback. An answer is a function, a string as it is, or else JSON. */
export async function startPeer(): Promise<Peer> {
  const answers = new Map<string, unknown>();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const answer = answers.get(path);
    if (typeof answer === "function") (answer as Answer)(request, response);
    else if (answer === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": "application/json" }).end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    serve: (path, answer) => void answers.set(path, answer),
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
