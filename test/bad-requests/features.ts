import { randomBytes } from "node:crypto";
import { DEVICE_GRANT, goToDevice, newCodes } from "../harness/device.ts";
import { type Answer, createClient, sendJson, type TestClient } from "../harness/http.ts";
import { makeTestKey, type TestKey } from "../harness/keys.ts";
import { BYE, challengeOf, logIn, type Member } from "../harness/logout.ts";
import { registerClient } from "../harness/registration.ts";
import { createRp, openUserAgent, type Rp } from "../harness/user-agent.ts";
import type { Writ } from "../harness/writ.ts";

export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** What requests to the endpoints beside the code flow are made with. */
export interface Features {
  readonly writ: Writ;
  readonly machine: TestClient;
  /** Without a secret, and with one. */
  readonly device: TestClient;
  readonly desk: TestClient;
  /** Codes of `device` that nobody has answered. */
  readonly codes: Answer["body"];
  /** A challenge of a browser of its own for each wrong user code. */
  takeDeviceChallenge(): string;
  /** Registered by itself. */
  readonly registered: Answer["body"];
  /** Somebody who is logged in, and a logout that waits for an answer. */
  readonly member: Member;
  readonly logoutChallenge: string;
  readonly key: TestKey;
  readonly strangeKey: TestKey;
  /** private_key_jwt and client_secret_jwt. */
  readonly keyClient: TestClient;
  readonly secretClient: TestClient;
  /** For assertions of `issuer`, which is trusted to speak of anybody by `key`. */
  readonly bearer: TestClient;
  readonly issuer: string;
  /** Trusted to speak of alice alone. */
  readonly narrowIssuer: string;
  readonly trusted: Answer["body"];
  /** With keys and a request_uri. */
  readonly signing: Rp;
  /** For every response type. */
  readonly hybrid: Rp;
}

const CHALLENGES = 60;

/** Makes them. */
export async function openFeatures(writ: Writ): Promise<Features> {
  const [key, strangeKey] = await Promise.all([makeTestKey("ES256"), makeTestKey("ES256")]);
  const jwk = { ...key.publicJwk, kid: "k", use: "sig", alg: "ES256" };
  const device = await createClient(writ, { grant_types: [DEVICE_GRANT], scope: "openid read", token_endpoint_auth_method: "none" });
  const trust = async (issuer: string, whom: object) =>
    (await sendJson(writ, "POST", "/admin/trust/grants/jwt-bearer/issuers", { issuer, scope: ["read"], jwk, expires_at: "2099-01-02T03:04:05Z", ...whom })).body;
  const name = randomBytes(6).toString("hex");
  const [issuer, narrowIssuer] = [`https://wide-${name}.example`, `https://narrow-${name}.example`];
  const member = await logIn(writ);
  const challenges: string[] = [];
  for (let i = 0; i < CHALLENGES; i++) challenges.push(await goToDevice(openUserAgent(writ)));
  await trust(narrowIssuer, { subject: "alice" });
  return {
    writ,
    machine: await createClient(writ),
    device,
    desk: await createClient(writ, { grant_types: [DEVICE_GRANT], scope: "openid read" }),
    codes: await newCodes(writ, device, { scope: "read" }),
    takeDeviceChallenge: () => challenges.pop() ?? raise(),
    registered: await registerClient(writ),
    member,
    logoutChallenge: await challengeOf(member.agent, { id_token_hint: member.tokens.id_token, post_logout_redirect_uri: BYE }),
    key,
    strangeKey,
    keyClient: await createClient(writ, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [jwk] } }),
    secretClient: await createClient(writ, { token_endpoint_auth_method: "client_secret_jwt" }),
    bearer: await createClient(writ, { grant_types: [JWT_BEARER], scope: "read write" }),
    issuer,
    narrowIssuer,
    trusted: await trust(issuer, { allow_any_subject: true }),
    signing: await createRp(writ, { jwks: { keys: [jwk] }, request_uris: ["https://127.0.0.1:1/request"] }),
    hybrid: await createRp(writ, {
      grant_types: ["authorization_code", "implicit"],
      response_types: ["code", "token", "id_token", "id_token token", "code id_token", "code token", "code id_token token"],
    }),
  };
}

function raise(): never {
  throw new Error("there are more wrong user codes than challenges");
}
