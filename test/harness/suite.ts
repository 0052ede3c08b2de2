import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type RunningLoginApp, startLoginApp } from "#apps/login/start.ts";
import type { ConfigInput } from "#lib/config.ts";
import { createWritClient } from "#sdk/index.ts";
import { makeTestClock, type TestClock } from "./clock.ts";
import { type Answer, basicAuthorization, postForm, send } from "./http.ts";
import { freePort } from "./port.ts";
import { openUserAgent } from "./user-agent.ts";
import { startWrit, type Writ } from "./writ.ts";

/** A server and the demo app as the OpenID Foundation's suite meets them: docs/conformance.md has the configuration. */
export interface Suite {
  readonly writ: Writ;
  readonly issuer: string;
  readonly time: TestClock;
  readonly metadata: Answer["body"];
  readonly close: () => Promise<void>;
  /** Loads a URL of the issuer. */
  fetch(url: string, init?: RequestInit): Promise<Answer>;
  /** A browser whose person does as scripts of the suite do: log in, agree, and both for good. `onPage` sees each page of the demo app. */
  browse(onPage?: (page: Answer) => void): Person;
}

/** Where a browser came to its end. `pages`: what it was shown on the way. */
export interface Visit {
  readonly pages: readonly string[];
  /** The page that it stands on; undefined: it is at the client. */
  readonly page?: Answer;
  /** How the client got its answer. */
  readonly by?: "query" | "fragment" | "form_post";
  readonly url: URL;
  readonly parameters: URLSearchParams;
}

/** A person at a browser. */
export interface Person {
  visit(url: string, init?: { readonly method: "POST"; readonly form: URLSearchParams }): Promise<Visit>;
}

/** The redirect URI that the suite registers. */
export const CALLBACK = "https://suite.example/test/a/writ/callback";

const unescapeHtml = (text: string): string => text.replace(/&(amp|quot|#39|lt|gt);/g, (_, name: string) => ({ amp: "&", quot: '"', "#39": "'", lt: "<", gt: ">" })[name] ?? "");

/** The configuration that docs/conformance.md shows. */
export function documentedConfig(): ConfigInput {
  const [, text = ""] = /```yaml\n([\s\S]*?)```/.exec(readFileSync(new URL("../../docs/conformance.md", import.meta.url), "utf8")) ?? [];
  return parse(text);
}

/** Starts it all. `more`: in place of what is documented. */
export async function startSuite(more: ConfigInput = {}): Promise<Suite> {
  const config = documentedConfig();
  const issuer = config.urls?.self?.issuer ?? assert.fail("docs/conformance.md names no issuer");
  const demoPort = await freePort();
  const demo = `http://127.0.0.1:${demoPort}`;
  const time = makeTestClock();
  const { oidc, session_management } = config;
  const writ = await startWrit("direct", {
    clock: time.clock,
    config: {
      ...(oidc === undefined ? {} : { oidc }),
      ...(session_management === undefined ? {} : { session_management }),
      serve: { cookies: { ...config.serve?.cookies } },
      urls: { self: { issuer }, login: `${demo}/login`, consent: `${demo}/consent`, logout: `${demo}/logout` },
      ...more,
    },
  });
  const app: RunningLoginApp = await startLoginApp({
    writ: createWritClient({ baseUrl: writ.rpcUrl }),
    host: "127.0.0.1",
    port: demoPort,
    onError: (error) => void process.stderr.write(`${String(error)}\n`),
  });
  const local = (url: string): string => url.replace(issuer, writ.publicUrl);
  return {
    writ,
    issuer,
    time,
    metadata: (await send(`${writ.publicUrl}/.well-known/openid-configuration`)).body,
    fetch: (url, init) => send(local(url), init),
    browse: (onPage = () => undefined) => openPerson(writ, issuer, demo, onPage),
    async close() {
      await app.close(100);
      await writ.close();
    },
  };
}

/** The fields that a page's form sends when one of its buttons is pressed, all boxes ticked. */
function formOf(page: Answer, action: string): URLSearchParams {
  const form = new URLSearchParams({ action });
  for (const [tag] of page.text.matchAll(/<input [^>]*type="(?:hidden|checkbox)"[^>]*>/g))
    form.append(/ name="([^"]*)"/.exec(tag)?.[1] ?? "", unescapeHtml(/ value="([^"]*)"/.exec(tag)?.[1] ?? ""));
  return form;
}

/** How each page of the demo app is answered. */
const ANSWERS: Readonly<Record<string, (page: Answer) => URLSearchParams>> = {
  "/login": (page) => {
    const form = formOf(page, "login");
    form.set("username", "buffy");
    form.set("password", "a password");
    return form;
  },
  "/consent": (page) => formOf(page, "allow"),
  "/logout": (page) => formOf(page, "logout"),
};

function openPerson(writ: Writ, issuer: string, demo: string, onPage: (page: Answer) => void): Person {
  const agent = openUserAgent(writ);
  let cookie = "";
  const atDemo = async (url: string, init: RequestInit = {}): Promise<Answer> => {
    const answer = await send(url, { ...init, headers: { cookie } });
    for (const each of answer.headers.getSetCookie()) cookie += `${cookie === "" ? "" : "; "}${each.split(";")[0]}`;
    return answer;
  };
  return {
    async visit(start, init) {
      const pages: string[] = [];
      let answer = init === undefined ? undefined : await agent.post(new URL(start).pathname, Object.fromEntries(init.form));
      for (let url = start; ; ) {
        if (answer === undefined) {
          if (url.startsWith(`${issuer}/`)) answer = await agent.get(url.slice(issuer.length));
          else if (url.startsWith(`${demo}/`)) answer = await atDemo(url);
          else return atClient(pages, url);
        }
        const { pathname } = new URL(url);
        const location = answer.headers.get("location");
        const respond = url.startsWith(`${demo}/`) && answer.status === 200 ? ANSWERS[pathname] : undefined;
        if (location !== null) {
          url = new URL(location, url).href;
          answer = undefined;
        } else if (respond !== undefined) {
          onPage(answer);
          pages.push(answer.text.match(/<h1>(.*?)<\/h1>/)?.[1] ?? "");
          answer = await atDemo(demo + pathname, { method: "POST", body: respond(answer) });
        } else {
          const [, action] = /<form method="post" action="([^"]*)">/.exec(answer.text) ?? [];
          if (answer.status !== 200 || action === undefined || !answer.text.includes("Back to the application"))
            return { pages, page: answer, url: new URL(url), parameters: new URLSearchParams() };
          const parameters = formOf(answer, "");
          parameters.delete("action");
          return { pages, by: "form_post", url: new URL(unescapeHtml(action)), parameters };
        }
      }
    },
  };
}

function atClient(pages: readonly string[], text: string): Visit {
  const url = new URL(text);
  const held = new URLSearchParams(url.hash.slice(1));
  return url.hash === "" ? { pages, by: "query", url, parameters: url.searchParams } : { pages, by: "fragment", url, parameters: held };
}

/** A client that the suite has registered. */
export interface SuiteClient {
  readonly suite: Suite;
  readonly type: string;
  readonly record: Answer["body"];
  readonly redirectUri: string;
  readonly key: ReturnType<typeof generateKeyPairSync>["privateKey"];
}

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** The key of the suite's clients as it registers it, with no `kid`. */
export const CLIENT_JWK = { ...KEYS.publicKey.export({ format: "jwk" }), use: "sig", alg: "RS256" };

/** What the suite sends to register a client. */
export function registration(type: string, more: object = {}): Record<string, unknown> {
  const words = type.split(" ");
  return {
    client_name: "OIDF suite",
    grant_types: [...(words.includes("code") ? ["authorization_code"] : []), ...(words.some((word) => word !== "code") ? ["implicit"] : [])],
    response_types: [type],
    redirect_uris: [CALLBACK],
    jwks: { keys: [CLIENT_JWK] },
    token_endpoint_auth_method: "client_secret_basic",
    contacts: ["certification@suite.example"],
    ...more,
  };
}

/** Registers a client as every module does, and looks at the answer as every module does. */
export async function register(suite: Suite, type: string, more: object = {}): Promise<SuiteClient> {
  const answer = await postRegistration(suite, registration(type, more));
  assert.equal(answer.status, 201, answer.text);
  const { body: record } = answer;
  assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  assert.equal(typeof record.client_id, "string");
  if (record.client_secret !== undefined) assert.equal(typeof record.client_secret_expires_at, "number");
  assert.match(record.registration_client_uri, /^https:/);
  assert.equal(typeof record.registration_access_token, "string");
  return { suite, type, record, redirectUri: record.redirect_uris[0], key: KEYS.privateKey };
}

/** Posts a registration. */
export function postRegistration(suite: Suite, metadata: object): Promise<Answer> {
  return suite.fetch(suite.metadata.registration_endpoint, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(metadata) });
}

/** The end of every module: the client is deleted by its own token. */
export async function unregister({ suite, record }: SuiteClient): Promise<void> {
  const answer = await suite.fetch(record.registration_client_uri, { method: "DELETE", headers: { authorization: `Bearer ${record.registration_access_token}` } });
  assert.equal(answer.status, 204, answer.text);
}

/** Calls the token endpoint by client_secret_basic. */
export function callToken({ suite, record }: SuiteClient, form: Readonly<Record<string, string>>): Promise<Answer> {
  return postForm(suite.metadata.token_endpoint.replace(suite.issuer, suite.writ.publicUrl), form, {
    headers: { authorization: basicAuthorization(record.client_id, record.client_secret) },
  });
}
