import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import type { Answer } from "./http.ts";
import { createRp, getTokens, goToLogin, loginApp, logoutApp, newSubject, openUserAgent, parametersOf, type Rp, type UserAgent } from "./user-agent.ts";
import type { Writ } from "./writ.ts";

/** A post_logout_redirect_uri that the clients of `logIn` have registered. */
export const BYE = "https://rp.example/bye";

/** The URL of a logout request. */
export const logoutUrl = (parameters: Readonly<Record<string, string>>): string => `/oauth2/sessions/logout?${new URLSearchParams(parameters)}`;

/** Where an answer sends the browser. */
export const locationOf = (answer: Answer): string => answer.headers.get("location") ?? assert.fail(`no redirect but ${answer.status} ${answer.text}`);

/** Whether the browser has a session cookie. */
export const hasSession = (agent: UserAgent): boolean => agent.cookies.has("writ_session_dev");

/** Somebody who has logged in to a client, and how. */
export interface Member {
  readonly rp: Rp;
  readonly agent: UserAgent;
  readonly subject: string;
  readonly tokens: Answer["body"];
  readonly sid: string;
}

/** Somebody who has logged in to a client. */
export async function logIn(
  writ: Writ,
  { agent = openUserAgent(writ), remember = true, subject = newSubject(), metadata = {} }: Partial<Member> & { remember?: boolean; metadata?: object } = {},
): Promise<Member> {
  const rp = await createRp(writ, { post_logout_redirect_uris: [BYE], ...metadata });
  const tokens = await getTokens(writ, rp, { agent, login: { subject, remember } });
  return { rp, agent, subject, tokens, sid: String(decodeJwt(tokens.id_token).sid) };
}

/** The challenge that a request comes to. */
export async function challengeOf(agent: UserAgent, parameters: Readonly<Record<string, string>>): Promise<string> {
  return parametersOf(locationOf(await agent.get(logoutUrl(parameters)))).logout_challenge ?? assert.fail("nobody was asked");
}

/** Accepts a request, and takes the browser back. */
export async function accept(writ: Writ, agent: UserAgent, challenge: string): Promise<Answer> {
  return agent.get((await logoutApp.accept(writ, challenge)).body.redirect_to);
}

/** Whether the browser is known to the authorization endpoint. */
export async function isKnown(writ: Writ, { rp, agent }: Member): Promise<boolean> {
  return (await loginApp.get(writ, await goToLogin(agent, rp.request()))).body.skip;
}
