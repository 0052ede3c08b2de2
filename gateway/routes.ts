import { createClient, type Transport } from "@connectrpc/connect";
import { Health } from "#gen/grpc/health/v1/health_pb.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { Config } from "#lib/config.ts";
import { clientCors } from "./http/client-cors.ts";
import { openCors } from "./http/cors.ts";
import type { Route } from "./http/methods.ts";
import { authorizeEndpoint } from "./oauth/authorize.ts";
import { credentialsEndpoint } from "./oauth/credentials.ts";
import { deviceAuthorizationEndpoint, deviceVerifyEndpoint } from "./oauth/device.ts";
import { jwksEndpoint, metadataEndpoint } from "./oauth/documents.ts";
import { endSessionEndpoint } from "./oauth/end-session.ts";
import { alive, ready } from "./oauth/health.ts";
import { introspectEndpoint } from "./oauth/introspect.ts";
import { configurationEndpoint, registrationEndpoint } from "./oauth/register.ts";
import { revokeEndpoint } from "./oauth/revoke.ts";
import { tokenEndpoint } from "./oauth/token.ts";
import { userinfoEndpoint } from "./oauth/userinfo.ts";
import { checkSessionPage } from "./pages/check-session.ts";
import { consentFallback, deviceDoneFallback, deviceFallback, loginFallback } from "./pages/fallback.ts";
import { loggedOutPage, logoutFallback, stillLoggedInPage } from "./pages/logout.ts";

/** The public paths, by their exact spelling; `{id}` at the end of one stands for any last segment. */
export function publicRoutes(transport: Transport, config: Pick<Config, "serve" | "urls" | "compat">, isStopping: () => boolean): ReadonlyMap<string, Route> {
  const oauth = createClient(OAuthService, transport);
  const clients = clientCors(config.serve.public.cors, oauth);
  const { policy: cors } = clients;
  const authorize = authorizeEndpoint(oauth);
  const endSession = endSessionEndpoint(oauth);
  const userinfo = userinfoEndpoint(oauth, clients);
  const style = { bare: config.compat !== "hydra" };
  const metadata: Omit<Route, "pattern"> = { methods: { GET: metadataEndpoint(oauth) }, cors: openCors };
  const routes: Readonly<Record<string, Omit<Route, "pattern">>> = {
    "/oauth2/auth": { methods: { GET: authorize, POST: authorize } },
    "/oauth2/sessions/logout": { methods: { GET: endSession, POST: endSession } },
    "/oauth2/sessions/check": { methods: { GET: checkSessionPage(oauth) } },
    "/oauth2/fallbacks/login": { methods: { GET: loginFallback } },
    "/oauth2/fallbacks/consent": { methods: { GET: consentFallback } },
    "/oauth2/fallbacks/logout": { methods: { GET: logoutFallback } },
    "/oauth2/fallbacks/logout/callback": { methods: { GET: loggedOutPage } },
    "/oauth2/fallbacks/logout/rejected": { methods: { GET: stillLoggedInPage } },
    "/oauth2/device/auth": { methods: { POST: deviceAuthorizationEndpoint(oauth, clients) }, cors },
    "/oauth2/device/verify": { methods: { GET: deviceVerifyEndpoint(oauth) } },
    "/oauth2/fallbacks/device": { methods: { GET: deviceFallback } },
    "/oauth2/fallbacks/device/done": { methods: { GET: deviceDoneFallback } },
    "/userinfo": { methods: { GET: userinfo, POST: userinfo }, cors },
    "/oauth2/token": { methods: { POST: tokenEndpoint(oauth, clients) }, cors },
    "/oauth2/introspect": { methods: { POST: introspectEndpoint(oauth) } },
    "/oauth2/revoke": { methods: { POST: revokeEndpoint(oauth, clients) }, cors },
    "/oauth2/register": { methods: { POST: registrationEndpoint(oauth, style) }, cors },
    "/credentials": { methods: { POST: credentialsEndpoint }, cors },
    "/oauth2/register/{id}": { methods: configurationEndpoint(oauth, clients, style), cors },
    "/.well-known/openid-configuration": metadata,
    "/.well-known/oauth-authorization-server": metadata,
    "/.well-known/jwks.json": { methods: { GET: jwksEndpoint(oauth) }, cors: openCors },
    "/health/alive": { methods: { GET: alive } },
    "/health/ready": { methods: { GET: ready(createClient(Health, transport), isStopping) } },
  };
  // Behind a proxy that keeps the path of the public URL every route has it in front; behind one that takes it off, none.
  const prefixes = new Set(["", ...[config.urls.self.public, config.urls.self.issuer].map((url) => (url === undefined ? "" : new URL(url).pathname.replace(/\/$/, "")))]);
  const paths = new Map<string, Route>();
  for (const prefix of prefixes) {
    for (const [path, route] of Object.entries(routes)) paths.set(prefix + path, { ...route, pattern: path });
    // RFC 8414 §3.1: the well-known part stands before the path of an issuer that has one.
    if (prefix !== "")
      for (const name of ["openid-configuration", "oauth-authorization-server"]) paths.set(`/.well-known/${name}${prefix}`, { ...metadata, pattern: `/.well-known/${name}` });
  }
  return paths;
}
