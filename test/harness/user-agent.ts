import { randomBytes } from "node:crypto";
import { type Answer, createClient, postForm, send, sendJson, type TestClient } from "./http.ts";
import type { Writ } from "./writ.ts";

/** The issuer that tests are configured with. What redirects to it goes to the server as it listens. */
export const ISSUER_URL = "http://127.0.0.1:4444";

/** A browser as far as the protocol sees one: it keeps cookies and follows nothing by itself. */
export interface UserAgent {
  readonly cookies: Map<string, string>;
  /** Loads a URL of the server, by its path or as it stands in a redirect. */
  get(url: string): Promise<Answer>;
  post(path: string, form: Readonly<Record<string, string>>): Promise<Answer>;
}

/** Opens a browser, with an empty jar or a copy of another's. */
export function openUserAgent(writ: Writ, jar: ReadonlyMap<string, string> = new Map()): UserAgent {
  const cookies = new Map(jar);
  const load = async (url: string, init: RequestInit): Promise<Answer> => {
    const headers = new Headers(init.headers);
    if (cookies.size > 0) headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
    const answer = await send(url.startsWith("/") ? writ.publicUrl + url : url.replace(ISSUER_URL, writ.publicUrl), { ...init, headers });
    for (const each of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(each) ?? [];
      if (/;\s*Max-Age=0\b/i.test(each)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };
  return {
    cookies,
    get: (url) => load(url, {}),
    post: (path, form) => load(path, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(form).toString() }),
  };
}

/** Parameters that stand in a URL. */
export function parametersOf(url: string | null): Readonly<Record<string, string>> {
  const { searchParams, hash } = new URL(url ?? "", ISSUER_URL);
  return Object.fromEntries(hash === "" ? searchParams : new URLSearchParams(hash.slice(1)));
}

/** A client that may use the authorization code flow, and how it asks. */
export interface Rp {
  readonly client: TestClient;
  readonly redirectUri: string;
  /** Parameters of an authorization request; `undefined` takes one out. */
  request(more?: Readonly<Record<string, string | undefined>>): string;
}

/** Registers a client for the authorization code flow. */
export async function createRp(writ: Writ, metadata: object = {}): Promise<Rp> {
  const redirectUri = "https://rp.example/cb";
  const client = await createClient(writ, {
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    scope: "openid offline_access read write",
    redirect_uris: [redirectUri],
    ...metadata,
  });
  return {
    client,
    redirectUri,
    request(more = {}) {
      const parameters = {
        client_id: client.client_id,
        response_type: "code",
        redirect_uri: redirectUri,
        scope: "openid offline_access read",
        state: "a state that comes back",
        ...more,
      };
      return `/oauth2/auth?${new URLSearchParams(Object.entries(parameters).filter((each): each is [string, string] => each[1] !== undefined))}`;
    },
  };
}

const LOGIN = "/admin/oauth2/auth/requests/login";
const CONSENT = "/admin/oauth2/auth/requests/consent";

/** The login app: what its calls come to. */
export const loginApp = {
  get: (writ: Writ, challenge: string) => sendJson(writ, "GET", `${LOGIN}?login_challenge=${challenge}`),
  accept: (writ: Writ, challenge: string, body: object = {}) => sendJson(writ, "PUT", `${LOGIN}/accept?login_challenge=${challenge}`, { subject: "alice", ...body }),
  reject: (writ: Writ, challenge: string, body: object = {}) => sendJson(writ, "PUT", `${LOGIN}/reject?login_challenge=${challenge}`, body),
};

/** The consent app: what its calls come to. */
export const consentApp = {
  get: (writ: Writ, challenge: string) => sendJson(writ, "GET", `${CONSENT}?consent_challenge=${challenge}`),
  accept: (writ: Writ, challenge: string, body: object = {}) => sendJson(writ, "PUT", `${CONSENT}/accept?consent_challenge=${challenge}`, body),
  reject: (writ: Writ, challenge: string, body: object = {}) => sendJson(writ, "PUT", `${CONSENT}/reject?consent_challenge=${challenge}`, body),
};

const LOGOUT = "/admin/oauth2/auth/requests/logout";

/** The logout app: what its calls come to. */
export const logoutApp = {
  get: (writ: Writ, challenge: string) => sendJson(writ, "GET", `${LOGOUT}?logout_challenge=${challenge}`),
  accept: (writ: Writ, challenge: string) => sendJson(writ, "PUT", `${LOGOUT}/accept?logout_challenge=${challenge}`),
  reject: (writ: Writ, challenge: string) => sendJson(writ, "PUT", `${LOGOUT}/reject?logout_challenge=${challenge}`),
};

/** How the steps of a flow are answered. */
export interface FlowAnswers {
  readonly login?: object;
  readonly consent?: object;
}

/** Where a flow stands after each step. */
export async function goToLogin(agent: UserAgent, url: string): Promise<string> {
  const { login_challenge: challenge } = parametersOf((await agent.get(url)).headers.get("location"));
  if (challenge === undefined) throw new Error("the browser was not sent to the login app");
  return challenge;
}

/** Logs in, and brings the browser to the consent app. */
export async function goToConsent(writ: Writ, agent: UserAgent, url: string, login: object = {}): Promise<string> {
  const accepted = await loginApp.accept(writ, await goToLogin(agent, url), login);
  const { headers, text } = await agent.get(accepted.body.redirect_to);
  const { consent_challenge: challenge } = parametersOf(headers.get("location"));
  if (challenge === undefined) throw new Error(`the browser was not sent to the consent app but to ${headers.get("location")} ${text}`);
  return challenge;
}

/** Runs a flow to its end: the parameters that the client gets. By default everything that was asked for is granted. */
export async function finishFlow(writ: Writ, agent: UserAgent, url: string, { login = {}, consent = {} }: FlowAnswers = {}): Promise<Readonly<Record<string, string>>> {
  const challenge = await goToConsent(writ, agent, url, login);
  const scope = parametersOf(url).scope ?? "";
  const accepted = await consentApp.accept(writ, challenge, { grant_scope: scope.split(" ").filter((each) => each !== ""), ...consent });
  if (accepted.status !== 200) throw new Error(`consent was not accepted: ${accepted.text}`);
  return parametersOf((await agent.get(accepted.body.redirect_to)).headers.get("location"));
}

/** Redeems a code. */
export function redeem(writ: Writ, { client, redirectUri }: Rp, code: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return postForm(
    `${writ.publicUrl}/oauth2/token`,
    { grant_type: "authorization_code", code, redirect_uri: redirectUri, ...more },
    { basic: [client.client_id, client.client_secret] },
  );
}

/** Uses a refresh token. */
export function refresh(writ: Writ, { client }: Rp, token: string, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: "refresh_token", refresh_token: token, ...more }, { basic: [client.client_id, client.client_secret] });
}

/** Runs a flow and redeems its code: the token answer's body. */
export async function getTokens(
  writ: Writ,
  rp: Rp,
  options: { readonly agent?: UserAgent; readonly request?: Readonly<Record<string, string | undefined>> } & FlowAnswers = {},
): Promise<Answer["body"]> {
  const { code } = await finishFlow(writ, options.agent ?? openUserAgent(writ), rp.request(options.request), options);
  if (code === undefined) throw new Error("the client got no code");
  const answer = await redeem(writ, rp, code);
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.text}`);
  return answer.body;
}

/** A subject that no other case has. */
export function newSubject(): string {
  return `subject-${randomBytes(6).toString("hex")}`;
}
