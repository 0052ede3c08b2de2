import type { Client } from "@connectrpc/connect";
import type { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import type { Config } from "#lib/config.ts";
import { originMatcher } from "#lib/origin.ts";
import { type CorsPolicy, configuredCors, isPreflight } from "./cors.ts";
import type { Exchange } from "./exchange.ts";

/** What tells which client makes a request. */
export interface RequestSigns {
  readonly clientId?: string;
  readonly accessToken?: string;
}

/** The policy of endpoints that clients call: pages of the configured origins, and of those that the client itself has registered. */
export interface ClientCors {
  /** For what can be told before the request is read. A preflight names no client: it is allowed, and decides nothing (as Hydra). */
  readonly policy: CorsPolicy;
  /**
   * Adds the headers for a page of an origin that the client has registered (`allowed_cors_origins`). Undefined: nothing has to
   * be asked, and then `signs` is not called either, since programs send no origin.
   */
  admit(exchange: Exchange, signs: () => RequestSigns): Promise<void> | undefined;
}

/** Makes the policy of the public port. Which client has which origins is asked of core, and only where the configuration does not say yes. */
export function clientCors(config: Config["serve"]["public"]["cors"], oauth: Client<typeof OAuthService>): ClientCors {
  const configured = configuredCors(config);
  const any = configuredCors({ ...config, allowed_origins: [] });
  const isConfigured = originMatcher(config.allowed_origins);
  return {
    policy: (request) => (isPreflight(request) ? any(request) : configured(request)),
    admit(exchange, signs) {
      const { origin } = exchange.request.headers;
      return !config.enabled || origin === undefined || isConfigured(origin) ? undefined : ask(exchange, origin, signs());
    },
  };

  async function ask(exchange: Exchange, origin: string, { clientId = "", accessToken = "" }: RequestSigns): Promise<void> {
    if (clientId === "" && accessToken === "") return;
    const { allowed } = await oauth.checkOrigin({ origin, clientId, accessToken }, { headers: { "x-request-id": exchange.requestId } });
    if (allowed) Object.assign(exchange.headers, any(exchange.request));
  }
}
