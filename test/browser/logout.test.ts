import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, test } from "node:test";
import { decodeJwt } from "jose";
import type { BrowserContext, Page } from "playwright-core";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { basicAuthorization } from "../harness/http.ts";
import type { Rp } from "../harness/user-agent.ts";
import { answerOf, logIn, type Site, startSite } from "./site.ts";

/** A client that is a web site: it remembers who is logged in by a cookie, and is told of logouts in every way there is. */
interface WebSite {
  readonly origin: string;
  readonly told: { readonly front: URL[]; readonly back: string[] };
  close(): void;
}

const html = (response: ServerResponse, body: string, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { "content-type": "text/html", ...headers }).end(`<!doctype html><title>client</title>${body}`);
};

/** The page by which a client watches the session (OIDC Session Management §3.1). */
const watcher = (frame: string, message: string): string => `<pre id="state">none</pre><iframe id="op" src="${frame}"></iframe><script>
var op = document.getElementById("op");
window.addEventListener("message", function (event) { if (event.origin === new URL(op.src).origin) document.getElementById("state").textContent = event.data; });
op.onload = function () { setInterval(function () { op.contentWindow.postMessage(${JSON.stringify(message)}, new URL(op.src).origin); }, 50); };
</script>`;

async function startWebSite(host: string): Promise<WebSite> {
  const told: WebSite["told"] = { front: [], back: [] };
  const routes: Readonly<Record<string, (url: URL, request: IncomingMessage, response: ServerResponse) => unknown>> = {
    "/cb": (url, _, response) => html(response, `<pre id="answer">${JSON.stringify(Object.fromEntries(url.searchParams))}</pre>`, { "set-cookie": "member=yes; Path=/" }),
    "/front": (url, request, response) => {
      told.front.push(url);
      html(response, `<p id="had">${request.headers.cookie ?? ""}</p>`, { "set-cookie": "member=; Max-Age=0; Path=/" });
    },
    "/back": async (_, request, response) => {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      told.back.push(new URLSearchParams(body).get("logout_token") ?? "");
      response.writeHead(200).end();
    },
    "/watch": (url, _, response) => html(response, watcher(url.searchParams.get("frame") ?? "", url.searchParams.get("message") ?? "")),
    "/bye": (url, request, response) => html(response, `<pre id="bye">${url.search}</pre><pre id="member">${request.headers.cookie ?? ""}</pre>`),
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", `http://${host}`);
    (routes[url.pathname] ?? ((_url, _request, other) => other.writeHead(404).end()))(url, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://${host}:${(server.address() as AddressInfo).port}`,
    told,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const registerAt = (site: Site, { origin }: WebSite, name: string): Promise<Rp> =>
  site.newRp({
    client_name: name,
    redirect_uris: [`${origin}/cb`],
    post_logout_redirect_uris: [`${origin}/bye`],
    frontchannel_logout_uri: `${origin}/front`,
    frontchannel_logout_session_required: true,
    backchannel_logout_uri: `${origin}/back`,
    backchannel_logout_session_required: true,
  });

/** Logs in at a client; its ID token and session_state. */
async function signIn(site: Site, page: Page, rp: Rp, { origin }: WebSite, isFirst: boolean): Promise<{ readonly idToken: string; readonly state: string }> {
  const redirectUri = `${origin}/cb`;
  await page.goto(site.requestUrl(rp, { redirect_uri: redirectUri }));
  if (isFirst) await logIn(page, "alice", true);
  await page.click("#consent-allow");
  await page.waitForSelector("#answer");
  const { code = "", session_state: state = "" } = await answerOf(page);
  // By the browser's own client, which takes the server's certificate.
  const answer = await page.request.post(`${site.issuer}/oauth2/token`, {
    form: { grant_type: "authorization_code", code, redirect_uri: redirectUri },
    headers: { authorization: basicAuthorization(rp.client.client_id, rp.client.client_secret) },
  });
  return { idToken: (await answer.json()).id_token, state };
}

const endUrl = (site: Site, idToken: string, origin: string): string =>
  `${site.issuer}/oauth2/sessions/logout?${new URLSearchParams({ id_token_hint: idToken, post_logout_redirect_uri: `${origin}/bye`, state: "s" })}`;

describe("logout in Chromium", { skip: skipWithoutBrowser() }, () => {
  for (const { title, https, host, states } of [
    { title: "on other origins of the same site", https: false, host: "localhost", states: ["unchanged", "changed"] },
    // This browser keeps cookies from frames of other sites.
    { title: "on another site, behind TLS", https: true, host: "127.0.0.1", states: ["error", "error"] },
  ])
    test(`OIDC Front-Channel, Back-Channel Logout, Session Management: two clients ${title} are told; frames load, watchers see the change, the browser ends at the client`, async () => {
      const site = await startSite({ https, config: { session_management: { enabled: true } } });
      const [one, two] = [await startWebSite(host), await startWebSite(host)];
      const context: BrowserContext = await site.browser.newContext({ ignoreHTTPSErrors: true });
      const problems: string[] = [];
      context.on("console", (message) => message.type() === "error" && !/favicon/.test(message.location().url) && problems.push(message.text()));
      try {
        const [first, second] = [await registerAt(site, one, "One"), await registerAt(site, two, "Two")];
        const page = await context.newPage();
        const { idToken } = await signIn(site, page, first, one, true);
        const { state } = await signIn(site, page, second, two, false);
        const watch = await context.newPage();
        await watch.goto(`${two.origin}/watch?${new URLSearchParams({ frame: `${site.issuer}/oauth2/sessions/check`, message: `${second.client.client_id} ${state}` })}`);
        await watch.waitForFunction(`document.getElementById("state").textContent === "${states[0]}"`);

        await page.goto(endUrl(site, idToken, one.origin));
        assert.equal(await page.textContent("#client-name"), "One");
        await page.click("#logout-cancel");
        assert.match((await page.textContent("h1")) ?? "", /still signed in/);
        await page.goto(endUrl(site, idToken, one.origin));
        await page.click("#logout-confirm");
        await page.waitForSelector("#bye");
        assert.equal(await page.textContent("#bye"), "?state=s");
        const { sid } = decodeJwt(idToken);
        for (const { told } of [one, two]) {
          assert.deepEqual(
            told.front.map(({ searchParams }) => Object.fromEntries(searchParams)),
            [{ iss: site.issuer, sid }],
          );
          for (let tries = 0; told.back.length === 0 && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 20));
          assert.deepEqual(
            told.back.map((token) => decodeJwt(token).sid),
            [sid],
          );
        }
        if (host === "localhost") assert.doesNotMatch((await page.textContent("#member")) ?? "", /member=/, "the frame had the client's cookies");
        await watch.waitForFunction(`document.getElementById("state").textContent === "${states[1]}"`);
        await page.goto(site.requestUrl(first, { redirect_uri: `${one.origin}/cb`, prompt: "none" }));
        assert.equal((await answerOf(page)).error, "login_required");
        assert.deepEqual(problems, []);
      } finally {
        await context.close();
        one.close();
        two.close();
        await site.close();
      }
    });

  test("without scripts the frames load too and the page goes on by itself; and Writ's own page asks where there is no logout app", async () => {
    const site = await startSite({ logoutApp: false });
    const one = await startWebSite("localhost");
    const context = await site.browser.newContext({ javaScriptEnabled: false });
    try {
      const rp = await registerAt(site, one, "One");
      const page = await context.newPage();
      const { idToken } = await signIn(site, page, rp, one, true);
      await page.goto(endUrl(site, idToken, one.origin));
      await page.click("#logout-confirm");
      await page.waitForSelector("#bye", { timeout: 10_000 });
      assert.equal(one.told.front.length, 1);
      await page.goto(`${site.issuer}/oauth2/sessions/logout`);
      assert.match((await page.textContent("h1")) ?? "", /You are signed out/, "nobody is left to ask");
    } finally {
      await context.close();
      one.close();
      await site.close();
    }
  });

  test("OIDC RP-Initiated Logout §2: a form that a client's page posts finds the session, though it comes without cookies", async () => {
    const site = await startSite();
    const one = await startWebSite("127.0.0.1");
    const context = await site.browser.newContext();
    try {
      const rp = await registerAt(site, one, "One");
      const page = await context.newPage();
      const { idToken } = await signIn(site, page, rp, one, true);
      await page.goto(`${one.origin}/bye`);
      const form = `<form method="post" action="${site.issuer}/oauth2/sessions/logout"><input name="id_token_hint" value="${idToken}"></form>`;
      await page.evaluate(`document.body.innerHTML = ${JSON.stringify(form)}; document.forms[0].submit()`);
      await page.waitForSelector("#logout-confirm");
      assert.equal(await page.textContent("#subject"), "alice");
      await page.click("#logout-confirm");
      await page.waitForURL(/fallbacks\/logout\/callback/);
      assert.match((await page.textContent("h1")) ?? "", /You are signed out/);
    } finally {
      await context.close();
      one.close();
      await site.close();
    }
  });
});
