import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { WritClient } from "#sdk/index.ts";
import { makeLoginApp } from "./app.ts";

/** Where the app listens and whom it talks to. */
export interface LoginAppServer {
  readonly writ: Pick<WritClient, "logins" | "consents" | "logouts" | "devices">;
  readonly host: string;
  readonly port: number;
  readonly onError: (error: unknown) => void;
}

/** The app as it runs. */
export interface RunningLoginApp {
  /** Where browsers find it. */
  readonly url: string;
  /** Lets requests under way end for so many milliseconds, then cuts them. */
  close(graceMillis: number): Promise<void>;
}

/** Starts the app. @throws Error with one line for the operator when the port cannot be had */
export async function startLoginApp({ writ, host, port, onError }: LoginAppServer): Promise<RunningLoginApp> {
  const server = createAdaptorServer({ fetch: makeLoginApp({ writ, secure: false, onError }).fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(new Error(listenProblem(error, host, port))));
    server.listen(port, host, resolve);
  });
  const { port: got } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${got}`,
    close(graceMillis) {
      return new Promise((resolve) => {
        const cut = setTimeout(() => "closeAllConnections" in server && server.closeAllConnections(), graceMillis);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        if ("closeIdleConnections" in server) server.closeIdleConnections();
      });
    },
  };
}

function listenProblem({ code }: NodeJS.ErrnoException, host: string, port: number): string {
  if (code === "EADDRINUSE") return `serve.demo.port ${port} is taken: set another, such as SERVE_DEMO_PORT=${port + 10}`;
  return `the demo app cannot listen on ${host}:${port} (${code}): set serve.demo.host and serve.demo.port`;
}
