import { basicAuthorization, createClient, type TestClient } from "../harness/http.ts";
import { createRp, getTokens, type Rp } from "../harness/user-agent.ts";
import type { Writ } from "../harness/writ.ts";

/** A request that must be refused. */
export interface BadRequest {
  readonly what: string;
  readonly url: string;
  readonly init: RequestInit;
  readonly status: number;
  /** The code in the JSON body, in the WWW-Authenticate header or in the redirect; `page`: an HTML page for the person. */
  readonly error: string | RegExp;
}

/** What the requests are made with: clients of each kind, and tokens that are alive. */
export interface Site {
  readonly writ: Writ;
  readonly machine: TestClient;
  readonly post: TestClient;
  /** Without a secret. */
  readonly spa: TestClient;
  readonly rp: Rp;
  readonly other: Rp;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly idToken: string;
}

/** Makes them. */
export async function openSite(writ: Writ): Promise<Site> {
  const rp = await createRp(writ);
  const tokens = await getTokens(writ, rp);
  return {
    writ,
    machine: await createClient(writ),
    post: await createClient(writ, { token_endpoint_auth_method: "client_secret_post" }),
    spa: await createClient(writ, {
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      redirect_uris: ["https://spa.example/cb"],
      scope: "openid read",
    }),
    rp,
    other: await createRp(writ),
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    idToken: tokens.id_token,
  };
}

/** Parameters: as they stand, or by name; undefined leaves one out. */
export type Form = string | Readonly<Record<string, string | undefined>>;

/** Writes parameters. */
export function encode(form: Form): string {
  return typeof form === "string" ? form : new URLSearchParams(Object.entries(form).filter((each): each is [string, string] => each[1] !== undefined)).toString();
}

/** Credentials of a client in a header. */
export function basic({ client_id, client_secret }: TestClient): Readonly<Record<string, string>> {
  return { authorization: basicAuthorization(client_id, client_secret) };
}

/** A form post. */
export function formPost(form: Form, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded", ...headers }, body: encode(form) };
}

/** Texts that make trouble where they are written into headers, pages, logs or queries. */
export const NASTY: Readonly<Record<string, string>> = {
  "a script": "<script>alert(1)</script>",
  "a quotation": `"'\`;--`,
  "a line break": "a\r\nSet-Cookie: x=1",
  "a null character": "a\u0000b",
  "no ASCII": "ünïcödé \u{1f600}",
  "a lone surrogate": "\ud800",
  "10,000 characters": "x".repeat(10_000),
  "a percent sign": "%zz%",
  "a path": "../../etc/passwd",
  "a name of every object": "__proto__",
};
