import type { Config } from "#lib/config.ts";
import { LONGEST_LIFESPAN } from "#lib/duration.ts";
import type { SignatureAlg } from "#lib/signature-algs.ts";
import { ACCESS_TOKEN_CLAIMS } from "./token/jwt.ts";

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
    /** `ext` is there even when it is empty, `aud` is empty where none was asked for. */
    readonly hydraClaims: boolean;
    readonly hasNotBefore: boolean;
    /** Names of session claims that stand at the top; none that the server says itself. */
    readonly topLevel: readonly string[];
    /** Which session claims stand in `ext`. */
    readonly ext: "all" | "others" | "none";
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
  readonly device: DeviceSettings;
  /** Where cookies are kept and under which names. */
  readonly cookies: CookieSettings;
  /** What clients may be, and how strangers make them. */
  readonly clients: ClientSettings;
}

/** What clients may be, and how strangers make them. */
export interface ClientSettings {
  /** `subject_type`s that can be registered; the first is the default. */
  readonly subjectTypes: readonly ("public" | "pairwise")[];
  /** Of pairwise identifiers. Undefined: there are none. */
  readonly pairwiseSalt: string | undefined;
  /** Of a client that registers without a scope: names separated by spaces. */
  readonly defaultScope: string;
  /** In development: URLs of clients that are fetched may be http. */
  readonly allowHttp: boolean;
  readonly registration: {
    readonly enabled: boolean;
    /** Undefined: all that there are. */
    readonly grantTypes: readonly string[] | undefined;
  };
}

/** Codes of the device flow (RFC 8628). Times in seconds. */
export interface DeviceSettings {
  readonly lifetime: number;
  readonly interval: number;
  readonly userCode: { readonly length: number; readonly characters: string /** Shown in groups with a dash between. */; readonly isGrouped: boolean };
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
      hasNotBefore: !(config.oauth2.exclude_not_before_claim ?? !hydra),
      topLevel: config.oauth2.allowed_top_level_claims.filter((name) => !ACCESS_TOKEN_CLAIMS.has(name)),
      ext: config.oauth2.mirror_top_level_claims ? "all" : config.oauth2.preserve_ext_claims ? "others" : "none",
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
    clients: settleClients(config, hydra),
    device: {
      lifetime: Math.floor(config.ttl.device_user_code / 1000),
      interval: Math.ceil(config.oauth2.device_authorization.token_polling_interval / 1000),
      userCode: { ...settleUserCode(config.oauth2.device_authorization.user_code, hydra), isGrouped: !hydra },
    },
  };
}

/** Grant types by which a person agrees to what the tokens are for. */
const ASKING_GRANTS = ["authorization_code", "implicit", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"] as const;

function settleClients({ dev, oidc }: Config, hydra: boolean): ClientSettings {
  const { subject_identifiers: subjects, dynamic_client_registration: registration } = oidc;
  const { enabled, default_scope: defaultScope, allowed_grant_types: grantTypes } = registration;
  return {
    subjectTypes: (["public", "pairwise"] as const).filter((type) => subjects.supported_types.includes(type)), // hydra.md §4.1: public is the default where there is a choice
    pairwiseSalt: subjects.pairwise.salt,
    defaultScope: defaultScope.join(" "),
    allowHttp: dev,
    registration: { enabled, grantTypes: grantTypes ?? (hydra ? undefined : ASKING_GRANTS) },
  };
}

/** Hydra's presets, and what RFC 8628 §6.1 has: no vowels, so no words; nothing that looks like something else. 20⁸ ≈ 2³⁴·⁵. */
const USER_CODES = {
  rfc: { length: 8, characters: "BCDFGHJKLMNPQRSTVWXZ" },
  high: { length: 8, characters: "ABCDEFGHJKLMNPQRSTUVWXYZ23456789" },
  medium: { length: 8, characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
  low: { length: 9, characters: "0123456789" },
} as const;

function settleUserCode({ entropy_preset: preset, length, character_set: characters }: Config["oauth2"]["device_authorization"]["user_code"], hydra: boolean) {
  const known = USER_CODES[preset ?? (hydra ? "high" : "rfc")];
  return { length: length ?? known.length, characters: characters ?? known.characters };
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
