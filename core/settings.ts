import type { Config } from "#lib/config.ts";

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
    readonly alg: "RS256" | "ES256";
    readonly scopeClaim: "list" | "string" | "both";
    /** `nbf` is there, `ext` is there even when it is empty, `aud` is empty where none was asked for. */
    readonly hydraClaims: boolean;
  };
  /** Milliseconds that a new key is published before it signs. */
  readonly publishBeforeUse: number;
  /** `token_type` of token answers; its case means nothing (RFC 6749 §5.1). */
  readonly tokenType: "Bearer" | "bearer";
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
  };
}
