import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that a web hook got. */
export interface Hooked {
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
  readonly url: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads members of whatever came and fails where they are not there
  readonly body: any;
}

/** What a web hook answers; a string as it is, anything else as JSON. */
export interface HookAnswer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An operator's web hook: it writes down what it is asked and answers as it was told last. */
export interface HookServer {
  readonly url: string;
  readonly asked: Hooked[];
  /** For all requests from now on, or until the list is used up: its last entry stays. `hang`: none comes. */
  answer(...answers: readonly (HookAnswer | "hang" | "reset")[]): void;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startHook(): Promise<HookServer> {
  const asked: Hooked[] = [];
  let answers: readonly (HookAnswer | "hang" | "reset")[] = [{ status: 204 }];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { headers, method = "", url = "" } = request;
      asked.push({ headers, method, url, body: JSON.parse(Buffer.concat(chunks).toString()) });
      const [answer = { status: 204 }, ...rest] = answers;
      if (rest.length > 0) answers = rest;
      if (answer === "hang") return;
      if (answer === "reset") return void request.socket.resetAndDestroy();
      response.writeHead(answer.status, answer.headers).end(answer.body === undefined || typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (...next) => {
      asked.length = 0;
      answers = next;
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
