import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { skipWithoutBrowser } from "../harness/browser.ts";
import { logIn, type Site, startSite } from "./site.ts";

const LIBRARY = readFileSync(fileURLToPath(import.meta.resolve("oauth4webapi")));

/** A single-page app: a public client in the page, with tokens shared by its tabs. */
const PAGE = (issuer: string, clientId: string) => `<!doctype html><title>spa</title><pre id="state">idle</pre>
<script type="module">
import * as oauth from "/oauth4webapi.js";
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: ${JSON.stringify(clientId)} };
const redirect = location.origin + "/";
const show = (text) => { document.getElementById("state").textContent = text; };
const as = await oauth.processDiscoveryResponse(new URL(${JSON.stringify(issuer)}), await oauth.discoveryRequest(new URL(${JSON.stringify(issuer)}), insecure));
window.refresh = async () => {
  const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), localStorage.refresh, insecure);
  const tokens = await oauth.processRefreshTokenResponse(as, client, response);
  localStorage.refresh = tokens.refresh_token;
  const info = await oauth.processUserInfoResponse(as, client, oauth.skipSubjectCheck, await oauth.userInfoRequest(as, client, tokens.access_token, insecure));
  return info.sub;
};
try {
  if (new URLSearchParams(location.search).has("code")) {
    const parameters = oauth.validateAuthResponse(as, client, new URL(location), sessionStorage.state);
    const response = await oauth.authorizationCodeGrantRequest(as, client, oauth.None(), parameters, redirect, sessionStorage.verifier, insecure);
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: sessionStorage.nonce, requireIdToken: true });
    localStorage.refresh = tokens.refresh_token;
    show("logged in as " + oauth.getValidatedIdTokenClaims(tokens).sub);
  } else if (location.search === "?go") {
    sessionStorage.verifier = oauth.generateRandomCodeVerifier();
    sessionStorage.state = oauth.generateRandomState();
    sessionStorage.nonce = oauth.generateRandomNonce();
    const url = new URL(as.authorization_endpoint);
    for (const [name, value] of Object.entries({ client_id: client.client_id, redirect_uri: redirect, response_type: "code", scope: "openid offline_access profile",
      code_challenge: await oauth.calculatePKCECodeChallenge(sessionStorage.verifier), code_challenge_method: "S256", state: sessionStorage.state, nonce: sessionStorage.nonce }))
      url.searchParams.set(name, value);
    location.assign(url);
  } else show("ready");
} catch (error) { show("failed: " + error); }
</script>`;

describe("a single-page app with oauth4webapi", { skip: skipWithoutBrowser() }, () => {
  let started: Site | undefined;
  let server: Server | undefined;
  let clientId = "";
  const site = (): Site => started ?? assert.fail("the site is not running");
  let port = 0;
  const origin = () => `http://127.0.0.1:${port}`;
  before(async () => {
    // The server's own list has another origin: this one is the client's to register.
    started = await startSite({ config: { serve: { public: { cors: { enabled: true, allowed_origins: ["https://ours.example"] } } } } });
    server = createServer((request, response) => {
      if (request.url === "/oauth4webapi.js") response.writeHead(200, { "content-type": "text/javascript" }).end(LIBRARY);
      else response.writeHead(200, { "content-type": "text/html" }).end(PAGE(site().issuer, clientId));
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
    const rp = await site().newRp({ token_endpoint_auth_method: "none", redirect_uris: [`${origin()}/`], allowed_cors_origins: [origin()] });
    clientId = rp.client.client_id;
  });
  after(async () => {
    server?.closeAllConnections();
    server?.close();
    await started?.close();
  });

  const stateOf = async (page: Page, wanted: RegExp): Promise<string> => {
    const state = page.locator("#state", { hasText: new RegExp(`${wanted.source}|failed`) });
    await state.waitFor();
    return (await state.textContent()) ?? "";
  };
  const refresh = (page: Page): Promise<string> => page.evaluate("window.refresh()");

  test("RFC 6749 §4.1, §6, OIDC Core §5.3: logs in, and refreshes and asks for userinfo in two tabs at once, each with the token that it finds", async () => {
    const context = await site().browser.newContext();
    const first = await context.newPage();
    await first.goto(`${origin()}/?go`);
    await logIn(first, "judy");
    await first.click("#consent-allow");
    assert.equal(await stateOf(first, /logged in/), "logged in as judy");
    const second = await context.newPage();
    await second.goto(`${origin()}/`);
    assert.equal(await stateOf(second, /ready/), "ready");
    // Both tabs take the same token from the storage that they share, ten times over.
    for (let i = 0; i < 10; i++) assert.deepEqual(await Promise.all([refresh(first), refresh(second)]), ["judy", "judy"]);
    await context.close();
  });

  test("hydra.md §1.4: a page of an origin that the client has not registered reads nothing", async () => {
    const context = await site().browser.newContext();
    const page = await context.newPage();
    await page.goto(site().callbackUrl);
    const read = await page.evaluate(
      ([url, id]) =>
        fetch(`${url}/oauth2/token`, { method: "POST", body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x", client_id: id ?? "" }) }).then(
          () => "read",
          () => "blocked",
        ),
      [site().issuer, clientId],
    );
    assert.equal(read, "blocked");
    await context.close();
  });
});
