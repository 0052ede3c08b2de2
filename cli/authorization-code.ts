import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { setTimeout } from "node:timers/promises";
import type { ApiFlags } from "./api.ts";
import { failurePage, PAGE_HEADERS, startPage, successPage } from "./callback-pages.ts";
import { CliError } from "./cli-error.ts";
import type { CredentialFlags } from "./client-credentials.ts";
import { FlowError, type OidcFlow, prepareFlow } from "./oidc-flow.ts";
import { openInBrowser } from "./open-browser.ts";
import { type OutputFlags, printOne } from "./output.ts";
import { makeSelfSigned } from "./self-signed.ts";
import { TOKEN_VIEW, type TokenRow } from "./token-view.ts";

/** Flags of `perform authorization-code`. */
export type CodeFlags = ApiFlags &
  OutputFlags &
  CredentialFlags & {
    readonly port: number;
    readonly scope?: readonly string[];
    readonly audience?: readonly string[];
    readonly prompt?: readonly string[];
    /** Seconds; below 0: not sent. */
    readonly maxAge: number;
    readonly redirect?: string;
    readonly authUrl?: string;
    readonly tokenUrl?: string;
    readonly state?: string;
    readonly responseMode?: string;
    readonly open: boolean;
    readonly shutdown: boolean;
    readonly skip?: boolean;
    readonly https?: boolean;
  };

/** What the server listens on until it has an answer. */
interface Callback {
  readonly flow: OidcFlow;
  readonly path: string;
  done(outcome: TokenRow | FlowError): void;
}

/** How long the browser has to load the last page. Milliseconds. */
const LAST_PAGE = 1000;
const MAX_FORM = 64 * 1024;

/**
 * Goes through the authorization code flow as a client: a callback server on 127.0.0.1 waits for the browser, redeems the code
 * and prints the tokens.
 * @throws CliError when the server sent an error, or the flow cannot begin
 */
export async function performAuthorizationCode(flags: CodeFlags): Promise<void> {
  const clientId = flags.clientId ?? process.env.OAUTH2_CLIENT_ID;
  if (!clientId) throw new CliError("The client is not named. Give OAUTH2_CLIENT_ID in the environment, or --client-id.");
  const clientSecret = flags.clientSecret ?? process.env.OAUTH2_CLIENT_SECRET;
  const server = flags.https === true ? createHttpsServer(makeSelfSigned(Date.now())) : createServer();
  const origin = (port: number): string => `${flags.https === true ? "https" : "http"}://127.0.0.1:${port}`;
  const port = await listen(server, flags.port);
  try {
    const redirectUri = flags.redirect ?? `${origin(port)}/callback`;
    if (!URL.canParse(redirectUri)) throw new CliError(`The redirect URI '${redirectUri}' is no URL.`);
    const flow = await prepareFlow({ ...flags, clientId, clientSecret: clientSecret || undefined, redirectUri });
    const { promise, resolve } = Promise.withResolvers<TokenRow | FlowError>();
    let shown = Promise.resolve();
    const done = (outcome: TokenRow | FlowError): void => {
      if (flags.shutdown) resolve(outcome);
      else shown = shown.then(() => show(flags, outcome)).catch((error: unknown) => void process.stderr.write(`${String(error)}\n`));
    };
    server.on("request", (request, response) => answer({ flow, path: new URL(redirectUri).pathname, done }, request, response));
    const start = `${origin(port)}/${flags.skip === true ? "perform-flow" : ""}`;
    process.stderr.write(`Open this URL in a browser, and log in there; Ctrl-C gives up:\n\n  ${start}\n\nThe answer is waited for at ${redirectUri}\n`);
    if (flags.open) openInBrowser(start);
    const outcome = await promise;
    await setTimeout(LAST_PAGE);
    await show(flags, outcome);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

async function show(flags: CodeFlags, outcome: TokenRow | FlowError): Promise<void> {
  if (!(outcome instanceof FlowError)) return printOne(flags, TOKEN_VIEW, outcome);
  if (flags.shutdown) throw new CliError(outcome.message);
  process.stderr.write(`${outcome.message}\n`);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ code }: NodeJS.ErrnoException) =>
      reject(
        new CliError(
          code === "EADDRINUSE"
            ? `Port ${port} is taken. Give another with --port, and register its redirect URI.`
            : `The callback server cannot listen on 127.0.0.1:${port} (${code}).`,
        ),
      ),
    );
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function answer(callback: Callback, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
  const { flow, path } = callback;
  if (pathname === path && path !== "/") {
    if (request.method !== "POST") return void finish(callback, searchParams, response);
    readForm(request).then(
      (form) => finish(callback, form, response),
      () => send(response, 400, failurePage("invalid_request", "The answer is no form that can be read.")),
    );
    return;
  }
  if (pathname === "/perform-flow") {
    flow.begin().then(
      (location) => response.writeHead(302, { location, "cache-control": "no-store" }).end(),
      (error: unknown) => send(response, 500, failurePage("server_error", String(error))),
    );
    return;
  }
  if (pathname === "/") return send(response, 200, startPage(flow.clientId, flow.scope));
  send(response, 404, failurePage("not_found", "There is nothing here."));
}

/** An answer that is not ours to take (another state, a second time) changes nothing: the right one may still come. */
async function finish({ flow, done }: Callback, parameters: URLSearchParams, response: ServerResponse): Promise<void> {
  const outcome = await flow.finish(parameters);
  if (outcome === undefined) return send(response, 400, failurePage("invalid_state", "This answer belongs to no flow that was begun here, or came already."));
  if (outcome instanceof FlowError) send(response, 400, failurePage(outcome.error, outcome.description));
  else send(response, 200, successPage());
  done(outcome);
}

function send(response: ServerResponse, status: number, page: string): void {
  response.writeHead(status, { ...PAGE_HEADERS, connection: "close" }).end(page);
}

/** OAuth 2.0 Form Post Response Mode §2. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > MAX_FORM) throw new Error("too large");
  }
  return new URLSearchParams(text);
}
