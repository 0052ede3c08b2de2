import { Pool } from "undici";
import { CLIENT_ID, REDIRECT_URI } from "../servers/client.ts";
import type { Client, Writ } from "../servers/writ.ts";
import { CONNECTIONS, type Outcome } from "./wrk.ts";

/** A way to come to a code as a browser and the operator's apps do, over HTTP. */
export interface Flow {
  /** Requests that one flow takes. */
  readonly requests: number;
  /** Runs a flow; returns its code. */
  readonly run: (scope: string) => Promise<string>;
}

const pools = new Map<string, Pool>();
const poolOf = (url: string): Pool => {
  const { origin } = new URL(url);
  const pool = pools.get(origin) ?? new Pool(origin, { connections: CONNECTIONS, pipelining: 1 });
  pools.set(origin, pool);
  return pool;
};

interface Answer {
  readonly status: number;
  readonly location: string;
  readonly cookies: readonly string[];
  readonly text: string;
}

async function send(
  base: string,
  path: string,
  { method = "GET", headers = {}, body }: { method?: "GET" | "POST" | "PUT"; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { statusCode: status, headers: got, body: content } = await poolOf(base).request({ path, method, headers, body: body ?? null });
  const text = await content.text();
  if (status >= 400) throw new Error(`${method} ${path.slice(0, 100)}: ${status} ${text.slice(0, 300)}`);
  const cookies = got["set-cookie"] ?? [];
  return { status, location: String(got.location ?? ""), cookies: (Array.isArray(cookies) ? cookies : [cookies]).map((cookie) => cookie.split(";", 1)[0] ?? ""), text };
}

const pathOf = (location: string): string => {
  const { pathname, search } = new URL(location, "https://auth.example.com");
  return pathname + search;
};
const parameter = (location: string, name: string): string => new URL(location).searchParams.get(name) ?? "";
const authorizationRequest = (clientId: string, scope: string): string => {
  const nonce = scope.includes("openid") ? { nonce: "a nonce of the bench" } : {};
  return new URLSearchParams({
    client_id: clientId,
    response_type: "code",
    redirect_uri: REDIRECT_URI,
    scope,
    state: "a state of the bench",
    prompt: "consent",
    ...nonce,
  }).toString();
};

let subjects = 0;

/** Login and consent are asked for and accepted through the admin API, as an app in a process of its own does. */
export function flowOfWrit({ publicUrl, adminUrl }: Writ, client: Client, { remember = false } = {}): Flow {
  const requests = "/admin/oauth2/auth/requests";
  const accept = async (kind: "login" | "consent", challenge: string, body: object): Promise<string> => {
    await send(adminUrl, `${requests}/${kind}?${kind}_challenge=${challenge}`);
    const init = { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(body) } as const;
    return JSON.parse((await send(adminUrl, `${requests}/${kind}/accept?${kind}_challenge=${challenge}`, init)).text).redirect_to;
  };
  return {
    requests: 7,
    async run(scope) {
      const start = await send(publicUrl, `/oauth2/auth?${authorizationRequest(client.id, scope)}`);
      const cookie = start.cookies.join("; ");
      const loggedIn = await accept("login", parameter(start.location, "login_challenge"), { subject: `subject-${subjects++}`, remember });
      const toConsent = await send(publicUrl, pathOf(loggedIn), { headers: { cookie } });
      const consented = await accept("consent", parameter(toConsent.location, "consent_challenge"), { grant_scope: scope.split(" "), remember });
      const end = await send(publicUrl, pathOf(consented), { headers: { cookie: [cookie, ...toConsent.cookies].join("; ") } });
      return parameter(end.location, "code");
    },
  };
}

/** Login and consent are one step in the peer's own process (servers/peer.ts). */
export function flowOfPeer(url: string): Flow {
  return {
    requests: 3,
    async run(scope) {
      const start = await send(url, `/auth?${authorizationRequest(CLIENT_ID, scope)}`);
      const cookie = start.cookies.join("; ");
      const done = await send(url, pathOf(start.location), { headers: { cookie } });
      const end = await send(url, pathOf(done.location), { headers: { cookie } });
      return parameter(end.location, "code");
    },
  };
}

/** Runs `count` tasks, so many at once. Returns their results, in the order of their ends, and how long they took. */
export async function many<T>(count: number, task: (n: number) => Promise<T>): Promise<{ readonly results: T[]; readonly outcome: Outcome }> {
  const results: T[] = [];
  const latencies: number[] = [];
  let next = 0;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count) {
      const at = performance.now();
      results.push(await task(next++));
      latencies.push((performance.now() - at) * 1000);
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, count) }, worker));
  return { results, outcome: { requests: count, seconds: (performance.now() - began) / 1000, ...percentiles(latencies) } };
}

/** What half and 99 % of the latencies stay under. */
export function percentiles(latencies: number[]): { readonly p50: number; readonly p99: number } {
  const sorted = Float64Array.from(latencies).sort();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** The form that exchanges a code. */
export const exchangeForm = (code: string): string => new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI }).toString();

/** Sends a form, with client authentication in a header or in the body. */
export async function postForm(url: string, authorization: string | undefined, body: string): Promise<Readonly<Record<string, string>>> {
  const { text } = await send(url, new URL(url).pathname, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...(authorization === undefined ? {} : { authorization }) },
    body,
  });
  return JSON.parse(text);
}
