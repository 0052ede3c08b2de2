import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type RunningLoginApp, startLoginApp } from "#apps/login/start.ts";
import type { ConfigInput } from "#lib/config.ts";
import { createWritClient } from "#sdk/index.ts";
import { openBrowser } from "../harness/browser.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { freePort } from "../harness/port.ts";
import { createRp, type Rp } from "../harness/user-agent.ts";
import { startWrit, type Writ } from "../harness/writ.ts";

/** A server with the demo app, a client that is a web site, and a browser. */
export interface Site {
  readonly writ: Writ;
  /** The issuer, which is where the public port is. */
  readonly issuer: string;
  readonly browser: Browser;
  /** Where the client gets its answers: a page with all parameters on it as JSON, in `#answer`. */
  readonly callbackUrl: string;
  /** A client with that redirect URI. */
  newRp(metadata?: object): Promise<Rp>;
  /** The URL of an authorization request. */
  requestUrl(rp: Rp, more?: Readonly<Record<string, string>>): string;
  close(): Promise<void>;
}

/** How a site is made. */
export interface SiteOptions {
  /** The public port has a certificate of its own making. */
  readonly https?: boolean;
  readonly config?: ConfigInput;
  /** False: Writ asks by itself who wants to log out. */
  readonly logoutApp?: boolean;
}

/** Starts it all. */
export async function startSite({ https = false, config = {}, logoutApp = true }: SiteOptions = {}): Promise<Site> {
  const [port, demoPort] = [await freePort(), await freePort()];
  const issuer = `${https ? "https" : "http"}://localhost:${port}`;
  const folder = mkdtempSync(join(tmpdir(), "writ-site-"));
  const demo = `http://localhost:${demoPort}`;
  const writ = await startWrit("direct", {
    config: {
      ...config,
      urls: {
        self: { issuer },
        login: `${demo}/login`,
        consent: `${demo}/consent`,
        ...(logoutApp ? { logout: `${demo}/logout` } : {}),
        device: { verification: `${demo}/device`, success: `${demo}/device/success` },
      },
      serve: { ...config.serve, public: { ...config.serve?.public, host: "127.0.0.1", port, ...(https ? { tls: tlsOf(folder) } : {}) } },
    },
  });
  const app: RunningLoginApp = await startLoginApp({
    writ: createWritClient({ baseUrl: writ.rpcUrl }),
    host: "127.0.0.1",
    port: demoPort,
    onError: (error) => void process.stderr.write(`${String(error)}\n`),
  });
  const callback = await startCallback();
  const callbackUrl = `http://127.0.0.1:${(callback.address() as AddressInfo).port}/cb`;
  const browser = await openBrowser();
  return {
    writ,
    issuer,
    browser,
    callbackUrl,
    newRp: (metadata = {}) => createRp(writ, { client_name: "Photo Album", redirect_uris: [callbackUrl], scope: "openid offline_access profile email", ...metadata }),
    requestUrl: (rp, more = {}) => issuer + rp.request({ redirect_uri: callbackUrl, scope: "openid offline_access profile", ...more }),
    async close() {
      await browser.close();
      callback.closeAllConnections();
      callback.close();
      await app.close(100);
      await writ.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A browser with an empty cookie jar. What its console says of blocked things, and answers that are the server's fault, are in
 * `problems`; answers that refuse something too, unless a test `refuses` on purpose.
 */
export async function openContext(
  site: Site,
  options: Parameters<Browser["newContext"]>[0] = {},
  { refuses = true } = {},
): Promise<{ readonly context: BrowserContext; readonly problems: string[] }> {
  const context = await site.browser.newContext(options);
  const problems: string[] = [];
  const isExpected = (url: string, text: string): boolean => /favicon/.test(url) || (refuses && /status of 4\d\d/.test(text));
  context.on("console", (message) => message.type() === "error" && !isExpected(message.location().url, message.text()) && problems.push(message.text()));
  context.on("response", (response) => response.status() >= 500 && problems.push(`${response.status()} ${response.url()}`));
  return { context, problems };
}

/** A page of a browser, at a URL. */
export async function visit(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Fills the login page in and sends it. */
export async function logIn(page: Page, username: string, remember = false): Promise<void> {
  await page.fill("#username", username);
  await page.fill("#password", "any will do");
  if (remember) await page.check("#remember");
  await page.click("#login-submit");
}

/** What the client got, once the browser is there. */
export async function answerOf(page: Page): Promise<Readonly<Record<string, string>>> {
  return JSON.parse((await page.textContent("#answer")) ?? "{}");
}

function tlsOf(folder: string) {
  const { key, cert } = makeCertificate(folder);
  return { enabled: true, key: { path: key }, cert: { path: cert } };
}

/** What is in the fragment never reaches a server: the page adds it to what is shown. */
const READ_FRAGMENT = `<script>
const shown = document.getElementById("answer");
const held = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
if (location.hash) shown.textContent = JSON.stringify({ ...JSON.parse(shown.textContent), ...held, seen_by_server: Object.keys(JSON.parse(shown.textContent)).join(" ") });
</script>`;

async function startCallback(): Promise<Server> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const { searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const parameters = request.method === "POST" ? new URLSearchParams(body) : searchParams;
    const text = JSON.stringify({ ...Object.fromEntries(parameters), method: request.method }).replaceAll("<", "\\u003c");
    response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html><title>client</title><pre id="answer">${text}</pre>${READ_FRAGMENT}`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
