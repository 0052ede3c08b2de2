import type { Config } from "#lib/config.ts";
import { LONGEST_LIFESPAN } from "#lib/duration.ts";
import type { SignatureAlg } from "#lib/signature-algs.ts";

/** What the configuration comes to once `compat` has been counted in (docs/divergences.md). */
export interface Settings {
  /** `iss`, exactly as configured. */
  readonly issuerUrl: string;
  /** Where the public port is reached, without a slash at its end. */
  readonly publicUrl: string;
  readonly compatHydra: boolean;
  /** `writ` or `ory`: the first part of a token's prefix. */
  readonly tokenPrefix: string;
  readonly jwt: {
    readonly typ: "at+jwt" | "JWT";
    readonly alg: SignatureAlg;
    readonly scopeClaim: "list" | "string" | "both";
    /** `nbf` is there, `ext` is there even when it is empty, `aud` is empty where none was asked for. */
    readonly hydraClaims: boolean;
  };
  /** Milliseconds that a new key is published before it signs. */
  readonly publishBeforeUse: number;
  /** `token_type` of token answers; its case means nothing (RFC 6749 §5.1). */
  readonly tokenType: "Bearer" | "bearer";
  /** Lifetimes in milliseconds. */
  readonly ttl: {
    readonly authCode: number;
    readonly refreshToken: number;
  };
  readonly pkce: {
    readonly forPublicClients: boolean;
    readonly forAll: boolean;
  };
  readonly refresh: {
    /** Milliseconds that a superseded refresh token may still be used. */
    readonly grace: number;
    /** A refresh ends the access tokens that were issued before. */
    readonly revokesPrevious: boolean;
  };
  /** Where cookies are kept and under which names. */
  readonly cookies: CookieSettings;
}

/** Where cookies are kept and under which names. */
export interface CookieSettings {
  readonly secure: boolean;
  readonly sameSite: "strict" | "lax" | "none";
  /** Undefined: this host alone. */
  readonly domain: string | undefined;
  readonly sessionPath: string;
  /** Binds flows to the browser. Names of one flow's cookie begin so too. */
  readonly browser: string;
  readonly session: string;
  /** Read by scripts of ours in frames of clients. Undefined: session management is off. */
  readonly browserState: string | undefined;
}

/** Settles what depends on `compat`. @throws Error when there is no issuer. */
export function settle(config: Config): Settings {
  const hydra = config.compat === "hydra";
  const issuerUrl = config.urls.self.issuer;
  if (issuerUrl === undefined) throw new Error("urls.self.issuer is not set");
  return {
    issuerUrl,
    publicUrl: (config.urls.self.public ?? issuerUrl).replace(/\/$/, ""),
    compatHydra: hydra,
    tokenPrefix: config.token_prefix ?? (hydra ? "ory" : "writ"),
    jwt: {
      typ: hydra ? "JWT" : "at+jwt",
      alg: config.strategies.jwt.alg ?? (hydra ? "RS256" : "ES256"),
      scopeClaim: config.strategies.jwt.scope_claim ?? (hydra ? "list" : "string"),
      hydraClaims: hydra,
    },
    publishBeforeUse: hydra ? 0 : config.keys.publish_before_use,
    tokenType: hydra ? "bearer" : "Bearer",
    ttl: {
      authCode: config.ttl.auth_code ?? (hydra ? 600_000 : 60_000),
      refreshToken: typeof config.ttl.refresh_token === "number" && config.ttl.refresh_token >= 0 ? Math.min(config.ttl.refresh_token, LONGEST_LIFESPAN) : LONGEST_LIFESPAN,
    },
    pkce: { forPublicClients: config.oauth2.pkce.enforced_for_public_clients ?? !hydra, forAll: config.oauth2.pkce.enforced },
    refresh: {
      grace: config.oauth2.grant.refresh_token.rotation_grace_period ?? (hydra ? 0 : 60_000),
      revokesPrevious: config.refresh.revoke_previous_access_tokens ?? hydra,
    },
    cookies: settleCookies(config, issuerUrl, hydra),
  };
}

/** RFC 6265bis §4.1.3: with `__Host-` no other host, and no page without TLS, can put a cookie in place of ours. */
function settleCookies({ serve, session_management: watching }: Config, issuerUrl: string, hydra: boolean): CookieSettings {
  const { same_site_mode: sameSite, domain, secure, names, paths } = serve.cookies;
  const isSecure = issuerUrl.startsWith("https:") || secure === true;
  const name = (base: string, path: string): string => {
    if (!isSecure) return `${base}_dev`;
    return hydra ? base : `${domain === undefined && path === "/" ? "__Host-" : "__Secure-"}${base}`;
  };
  return {
    secure: isSecure,
    sameSite: sameSite === "None" && !isSecure ? "lax" : (sameSite.toLowerCase() as CookieSettings["sameSite"]),
    domain,
    sessionPath: paths.session,
    browser: name(names.login_csrf ?? (hydra ? "ory_hydra_login_csrf" : "writ_browser"), "/"),
    browserState: watching.enabled ? name("writ_browser_state", "/") : undefined,
    session: name(names.session ?? (hydra ? "ory_hydra_session" : "writ_session"), paths.session),
  };
}
