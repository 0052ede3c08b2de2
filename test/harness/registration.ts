import assert from "node:assert/strict";
import { type Answer, send } from "./http.ts";
import type { Writ } from "./writ.ts";

/** A redirect URI of a client that registers itself. */
export const URI = "https://rp.example/cb";

/** Dynamic registration, for as many clients as a test likes. */
export const ENABLED = { oidc: { dynamic_client_registration: { enabled: true, max_per_minute: 10_000 } } } as const;

/** Calls the client registration endpoint, or with a client's id in the path its configuration endpoint. */
export function callRegistration(writ: Writ, method: string, path: string, { token, body }: { readonly token?: string; readonly body?: unknown } = {}): Promise<Answer> {
  const headers = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...(body === undefined ? {} : { "content-type": "application/json" }) };
  return send(`${writ.publicUrl}/oauth2/register${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

/** Registers a client. */
export async function registerClient(writ: Writ, metadata: object = {}): Promise<Answer["body"]> {
  const answer = await callRegistration(writ, "POST", "", { body: { redirect_uris: [URI], ...metadata } });
  assert.equal(answer.status, 201, answer.text);
  return answer.body;
}
