import type { Writ } from "./writ.ts";

/** An HTTP answer with its body as JSON where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads members of whatever came and fails where they are not there
  readonly body: any;
  readonly text: string;
}

/** Sends a request and reads the answer whole; follows no redirect. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: "manual", ...init });
  const text = await response.text();
  const isJson = /^application\/json\b/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, body: isJson && text !== "" ? JSON.parse(text) : undefined, text };
}

/** Posts a form. `basic`: client id and secret for the Authorization header. */
export function postForm(
  url: string,
  form: Readonly<Record<string, string>> | string,
  options: { readonly basic?: readonly [string, string]; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const headers: Record<string, string> = { "content-type": "application/x-www-form-urlencoded", ...options.headers };
  if (options.basic !== undefined) headers.authorization = basicAuthorization(...options.basic);
  return send(url, { method: "POST", headers, body: typeof form === "string" ? form : new URLSearchParams(form).toString() });
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
export function basicAuthorization(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ x: text }).toString().slice(2);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}

/** Sends JSON to the admin API. */
export function sendJson(writ: Writ, method: string, path: string, body?: unknown): Promise<Answer> {
  return send(writ.adminUrl + path, { method, ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }) });
}

/** A client as the admin API made it. */
export interface TestClient {
  readonly client_id: string;
  readonly client_secret: string;
}

/** Creates a client; by default one that may use client_credentials with the scopes `read write`. */
export async function createClient(writ: Writ, metadata: object = {}): Promise<TestClient> {
  const answer = await sendJson(writ, "POST", "/admin/clients", { grant_types: ["client_credentials"], scope: "read write", ...metadata });
  if (answer.status !== 201) throw new Error(`client was not created: ${answer.text}`);
  return answer.body;
}

/** Gets an access token by client credentials. */
export async function issueToken(writ: Writ, client: TestClient, form: Readonly<Record<string, string>> = {}): Promise<string> {
  const answer = await postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: "client_credentials", ...form }, { basic: [client.client_id, client.client_secret] });
  if (answer.status !== 200) throw new Error(`no token: ${answer.text}`);
  return answer.body.access_token;
}

/** Introspects on the admin port. */
export async function introspect(writ: Writ, token: string, form: Readonly<Record<string, string>> = {}): Promise<Answer["body"]> {
  return (await postForm(`${writ.adminUrl}/admin/oauth2/introspect`, { token, ...form })).body;
}
