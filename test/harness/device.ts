import { type Answer, createClient, postForm, sendJson, type TestClient } from "./http.ts";
import { consentApp, type FlowAnswers, loginApp, parametersOf, type UserAgent } from "./user-agent.ts";
import type { Writ } from "./writ.ts";

export const DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const DEVICE = "/admin/oauth2/auth/requests/device";

/** The device app: what its calls come to. */
export const deviceApp = {
  get: (writ: Writ, challenge: string, userCode: string) => sendJson(writ, "GET", `${DEVICE}?${new URLSearchParams({ device_challenge: challenge, user_code: userCode })}`),
  accept: (writ: Writ, challenge: string, userCode: string) => sendJson(writ, "PUT", `${DEVICE}/accept?device_challenge=${challenge}`, { user_code: userCode }),
  reject: (writ: Writ, challenge: string, userCode: string) => sendJson(writ, "PUT", `${DEVICE}/reject?device_challenge=${challenge}`, { user_code: userCode }),
};

/** Registers a client that is a device: a public one, unless `metadata` says otherwise. */
export function createDevice(writ: Writ, metadata: object = {}): Promise<TestClient> {
  return createClient(writ, {
    client_name: "Television",
    grant_types: [DEVICE_GRANT, "refresh_token"],
    scope: "openid offline_access read write",
    token_endpoint_auth_method: "none",
    ...metadata,
  });
}

const authenticate = ({ client_id: id, client_secret: secret }: TestClient) =>
  secret === undefined || secret === "" ? { form: { client_id: id }, options: {} } : { form: {}, options: { basic: [id, secret] as const } };

/** The device asks for its codes. */
export function authorizeDevice(writ: Writ, client: TestClient, more: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const { form, options } = authenticate(client);
  return postForm(`${writ.publicUrl}/oauth2/device/auth`, { scope: "openid offline_access read", ...form, ...more }, options);
}

/** The codes of a device. */
export async function newCodes(writ: Writ, client: TestClient, more: Readonly<Record<string, string>> = {}): Promise<Answer["body"]> {
  const answer = await authorizeDevice(writ, client, more);
  if (answer.status !== 200) throw new Error(`no device code: ${answer.text}`);
  return answer.body;
}

/** The device asks whether it may. */
export function poll(writ: Writ, client: TestClient, deviceCode: string): Promise<Answer> {
  const { form, options } = authenticate(client);
  return postForm(`${writ.publicUrl}/oauth2/token`, { grant_type: DEVICE_GRANT, device_code: deviceCode, ...form }, options);
}

/** Loads a URL, and says what the browser is sent on with. */
export async function follow(agent: UserAgent, url: string): Promise<Readonly<Record<string, string>>> {
  const { headers, text } = await agent.get(url);
  const location = headers.get("location");
  if (location === null) throw new Error(`the browser was sent nowhere: ${text.slice(0, 2000)}`);
  return parametersOf(location);
}

/** Brings a browser to the device app: its challenge. */
export async function goToDevice(agent: UserAgent, url = "/oauth2/device/verify"): Promise<string> {
  return (await follow(agent, url)).device_challenge ?? "";
}

/** Enters a user code, and brings the browser to the login app. */
export async function goToDeviceLogin(writ: Writ, agent: UserAgent, userCode: string): Promise<string> {
  const accepted = await deviceApp.accept(writ, await goToDevice(agent), userCode);
  if (accepted.status !== 200) throw new Error(`the user code was not accepted: ${accepted.text}`);
  return (await follow(agent, accepted.body.redirect_to)).login_challenge ?? "";
}

/** The same to the consent app. */
export async function goToDeviceConsent(writ: Writ, agent: UserAgent, userCode: string, login: object = {}): Promise<string> {
  const { body } = await loginApp.accept(writ, await goToDeviceLogin(writ, agent, userCode), login);
  return (await follow(agent, body.redirect_to)).consent_challenge ?? "";
}

/** A person approves a device: the last answer that the browser gets. By default everything that was asked for is granted. */
export async function approve(writ: Writ, agent: UserAgent, userCode: string, { login = {}, consent = {} }: FlowAnswers = {}): Promise<Answer> {
  const challenge = await goToDeviceConsent(writ, agent, userCode, login);
  const { requested_scope: scope } = (await consentApp.get(writ, challenge)).body;
  const { body } = await consentApp.accept(writ, challenge, { grant_scope: scope, ...consent });
  return agent.get(body.redirect_to);
}
