import { type DescMethodUnary, fromJson, type Message } from "@bufbuild/protobuf";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { ConsentService } from "#gen/writ/admin/v1/consent_service_pb.ts";
import { DeviceService } from "#gen/writ/admin/v1/device_service_pb.ts";
import { JwkService } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { LoginService } from "#gen/writ/admin/v1/login_service_pb.ts";
import { LogoutService } from "#gen/writ/admin/v1/logout_service_pb.ts";
import { SessionService } from "#gen/writ/admin/v1/session_service_pb.ts";
import { TokenService as AdminTokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { TrustedIssuerService } from "#gen/writ/admin/v1/trusted_issuer_service_pb.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import type { Features } from "../bad-requests/features.ts";
import { basicAuthorization } from "../harness/http.ts";
import { goToConsent, goToLogin, newSubject, openUserAgent } from "../harness/user-agent.ts";

/** A call that is right, or would be but for one field: what is wrong in it is what is looked at. */
export type Base = readonly [DescMethodUnary, Message];

/** Calls of methods that look at nothing else before the first fields are right. */
export async function makeBases({
  writ,
  machine,
  member,
  hybrid,
  keyClient,
  codes,
  takeDeviceChallenge,
  logoutChallenge,
  registered,
  key,
  trusted,
}: Features): Promise<readonly Base[]> {
  const loginChallenge = await goToLogin(openUserAgent(writ), hybrid.request());
  const consentChallenge = await goToConsent(writ, openUserAgent(writ), hybrid.request(), { subject: newSubject() });
  const { client_id: clientId } = machine;
  const authorization = basicAuthorization(machine.client_id, machine.client_secret);
  const jwk = { ...key.publicJwk, kid: "k", use: "sig", alg: "ES256" };
  const bearer = `Bearer ${registered.registration_access_token}`;
  const device = { deviceChallenge: takeDeviceChallenge(), userCode: codes.user_code };
  const of = (method: DescMethodUnary, json: object): Base => [method, fromJson(method.input, JSON.parse(JSON.stringify(json)))];
  const parameters = Object.entries(Object.fromEntries(new URLSearchParams(hybrid.request().split("?")[1]))).map(([name, value]) => ({ name, value }));
  const [login, consent] = [LoginService.method, ConsentService.method];
  return [
    of(ClientService.method.createClient, { client: { grantTypes: ["client_credentials"] } }),
    of(ClientService.method.updateClient, {
      clientId: hybrid.client.client_id,
      client: { redirectUris: [hybrid.redirectUri], grantTypes: ["authorization_code", "implicit"], responseTypes: ["code", "id_token"], scope: "openid offline_access read" },
    }),
    of(ClientService.method.patchClient, { clientId, patch: [{ op: "replace", path: "/client_name", value: "x" }] }),
    of(ClientService.method.updateClientLifespans, { clientId, lifespans: {} }),
    of(login.getLogin, { loginChallenge }),
    of(login.acceptLogin, { loginChallenge, accept: { subject: "alice" } }),
    of(login.rejectLogin, { loginChallenge, reject: {} }),
    of(consent.getConsent, { consentChallenge }),
    of(consent.acceptConsent, { consentChallenge, accept: { grantScope: ["openid"], session: {} } }),
    of(consent.rejectConsent, { consentChallenge, reject: {} }),
    of(LogoutService.method.getLogout, { logoutChallenge }),
    of(LogoutService.method.acceptLogout, { logoutChallenge }),
    of(DeviceService.method.getDevice, device),
    of(DeviceService.method.acceptDevice, { deviceChallenge: device.deviceChallenge, accept: { userCode: device.userCode } }),
    of(DeviceService.method.rejectDevice, { deviceChallenge: device.deviceChallenge, reject: { userCode: device.userCode } }),
    of(JwkService.method.createJwk, { set: "bases", alg: "ES256", use: "sig" }),
    of(JwkService.method.updateJwkSet, { set: "bases", keySet: { keys: [jwk] } }),
    of(JwkService.method.updateJwk, { set: "bases", kid: "k", key: jwk }),
    of(SessionService.method.listConsentSessions, { subject: member.subject }),
    of(SessionService.method.revokeConsentSessions, { subject: "nobody", client: "nobody" }),
    of(TrustedIssuerService.method.createTrustedIssuer, { issuer: "https://bases.example", subject: "alice", scope: ["read"], jwk, expiresAt: "2099-01-02T03:04:05Z" }),
    of(TrustedIssuerService.method.getTrustedIssuer, { id: trusted.id }),
    of(AdminTokenService.method.introspectToken, { token: member.tokens.access_token }),
    of(TokenService.method.introspect, { token: member.tokens.access_token }),
    of(TokenService.method.batchIntrospect, { tokens: [member.tokens.access_token] }),
    of(OAuthService.method.authorize, { context: { method: "GET", url: hybrid.request(), peerAddress: "127.0.0.1", parameters } }),
    of(OAuthService.method.exchangeToken, { clientAuthentication: { authorization }, grantType: "client_credentials", scope: "read" }),
    of(OAuthService.method.exchangeToken, { clientAuthentication: { clientId: keyClient.client_id }, grantType: "authorization_code", code: "x", redirectUri: "x" }),
    of(OAuthService.method.authorizeDevice, { clientAuthentication: { authorization } }),
    of(OAuthService.method.verifyDevice, { context: { method: "GET", url: "/oauth2/device/verify", peerAddress: "::1", parameters: [{ name: "user_code", value: "x" }] } }),
    of(OAuthService.method.introspectToken, { clientAuthentication: { authorization }, token: member.tokens.access_token }),
    of(OAuthService.method.revokeToken, { clientAuthentication: { authorization }, token: "x" }),
    of(OAuthService.method.getUserinfo, { authorization: `Bearer ${member.tokens.access_token}` }),
    of(OAuthService.method.checkOrigin, { origin: "https://a.example", clientId }),
    of(OAuthService.method.endSession, { context: { method: "GET", url: "/oauth2/sessions/logout", parameters: [{ name: "id_token_hint", value: member.tokens.id_token }] } }),
    of(OAuthService.method.registerClient, { client: { redirectUris: ["https://a.example/cb"] } }),
    of(OAuthService.method.getRegisteredClient, { authorization: bearer, clientId: registered.client_id }),
    of(OAuthService.method.updateRegisteredClient, { authorization: bearer, clientId: registered.client_id, client: { redirectUris: ["https://a.example/cb"] } }),
  ];
}
