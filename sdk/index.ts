import { type Client, type ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { type ConnectTransportOptions, createConnectTransport } from "@connectrpc/connect-node";
import type { Client as RegisteredClient } from "#gen/writ/admin/v1/client_pb.ts";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { type Consent, ConsentService } from "#gen/writ/admin/v1/consent_service_pb.ts";
import { type Device, DeviceService } from "#gen/writ/admin/v1/device_service_pb.ts";
import { JwkService } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { type Login, LoginService } from "#gen/writ/admin/v1/login_service_pb.ts";
import { type Logout, LogoutService } from "#gen/writ/admin/v1/logout_service_pb.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { SessionService } from "#gen/writ/admin/v1/session_service_pb.ts";
import { TokenService as AdminTokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { OAuthErrorDetailSchema } from "#gen/writ/oauth/v1/request_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";

/** Where core's RPC port is and how to prove oneself there. */
export interface WritOptions {
  /** `http://127.0.0.1:4440`, or https. */
  readonly baseUrl: string;
  /** Bearer token of `access.tokens`. Without credentials core answers on loopback addresses only. */
  readonly token?: string;
  /** TLS: the CA that core's certificate is checked against, and a certificate of one's own. PEM. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

/** What a login app is to do. */
export type LoginRequest = Login;

/** What a consent app is to show. */
export type ConsentRequest = Consent;

/** What a logout app is to ask. */
export type LogoutRequest = Logout;
/** The request of a device whose user code a person has typed. */
export type DeviceRequest = Device;

/** A client as login and consent apps, and administrators, see it. */
export type OAuthClient = RegisteredClient;

/** Typed clients of core's services, over one connection. */
export interface WritClient {
  readonly clients: Client<typeof ClientService>;
  readonly jwks: Client<typeof JwkService>;
  readonly metadata: Client<typeof MetadataService>;
  /** Login requests, for the login app. */
  readonly logins: Client<typeof LoginService>;
  /** Consent requests, for the consent app. */
  readonly consents: Client<typeof ConsentService>;
  /** Logout requests, for the logout app. */
  readonly logouts: Client<typeof LogoutService>;
  /** User codes of devices, for the device app. */
  readonly devices: Client<typeof DeviceService>;
  /** Login and consent sessions. */
  readonly sessions: Client<typeof SessionService>;
  /** Tokens as an administrator sees them. */
  readonly adminTokens: Client<typeof AdminTokenService>;
  /** Tokens for services that decide on them at a high rate. */
  readonly tokens: Client<typeof TokenService>;
  /** For services of the contract that have no name here. */
  readonly transport: Transport;
}

/** Connects to core. Nothing is sent before the first call. */
export function createWritClient({ baseUrl, token, tls }: WritOptions): WritClient {
  const options: ConnectTransportOptions = {
    baseUrl,
    httpVersion: "2",
    nodeOptions: { ...tls },
    interceptors:
      token === undefined
        ? []
        : [
            (next) => (request) => {
              request.header.set("authorization", `Bearer ${token}`);
              return next(request);
            },
          ],
  };
  return writClientOver(createConnectTransport(options));
}

/** The same over a transport of one's own, such as one within the process. */
export function writClientOver(transport: Transport): WritClient {
  return {
    clients: createClient(ClientService, transport),
    jwks: createClient(JwkService, transport),
    metadata: createClient(MetadataService, transport),
    logins: createClient(LoginService, transport),
    consents: createClient(ConsentService, transport),
    logouts: createClient(LogoutService, transport),
    devices: createClient(DeviceService, transport),
    sessions: createClient(SessionService, transport),
    adminTokens: createClient(AdminTokenService, transport),
    tokens: createClient(TokenService, transport),
    transport,
  };
}

/** The protocol's `error` code of a failed call (RFC 6749 §5.2), such as `invalid_client_metadata`; undefined: it has none. */
export function oauthErrorOf(error: ConnectError): string | undefined {
  return error.findDetails(OAuthErrorDetailSchema)[0]?.error;
}
