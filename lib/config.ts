import * as z from "zod";
import { parseDuration } from "./duration.ts";
import { isNetwork } from "./networks.ts";
import { SIGNATURE_ALGS } from "./signature-algs.ts";

const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: "custom", message: "is no duration such as 1h30m" });
  return z.NEVER;
});
const httpUrl = z.url({ protocol: /^https?$/ });
const issuerUrl = httpUrl.refine((text) => !/[?#@]/.test(text), "may have no query, no fragment and no user name (RFC 8414 §2)");
/** The operator's own web hook, in Hydra's two spellings: a URL, or an object with a credential. */
const webhook = z.preprocess(
  (value) => (typeof value === "string" ? { url: value } : value),
  z.strictObject({
    url: httpUrl, // may be internal: it is the operator's
    auth: z
      .strictObject({
        type: z.literal("api_key"),
        config: z.strictObject({
          in: z.enum(["header", "cookie"]),
          name: z.string().regex(/^[!#$%&'*+.^_`|~\w-]{1,100}$/), // RFC 9110 §5.6.2
          value: z.string().regex(/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/), // a line break would be another header
        }),
      })
      .optional(),
  }),
);
const cookieName = z.string().regex(/^[\w-]{1,64}$/);
const port = z.int().min(0).max(65535);

const tls = z.strictObject({
  enabled: z.boolean().default(false), // plain text unless said otherwise, as Hydra
  key: z.strictObject({ path: z.string().optional(), base64: z.string().optional() }).prefault({}),
  cert: z.strictObject({ path: z.string().optional(), base64: z.string().optional() }).prefault({}),
  client_ca: z.strictObject({ path: z.string().optional(), base64: z.string().optional() }).optional(), // set: callers must show a certificate of this CA
});

const terminatedTls = tls.extend({
  allow_termination_from: z.array(z.string().refine(isNetwork, "is no address or network such as 10.0.0.0/8")).default([]), // proxies that end TLS, and whose X-Forwarded-For and X-Forwarded-Proto are believed
});

const cors = z.strictObject({
  enabled: z.boolean().default(false), // as Hydra; discovery and JWKS answer any origin whatever stands here
  allowed_origins: z.array(z.string()).default([]), // empty or `*`: any origin
  allowed_methods: z.array(z.string()).default(["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]), // as Hydra, less CONNECT and TRACE, which no browser sends
  allowed_headers: z.array(z.string()).default(["Accept", "Content-Type", "Content-Length", "Accept-Language", "Content-Language", "Authorization"]), // as Hydra
  exposed_headers: z.array(z.string()).default(["Cache-Control", "Expires", "Last-Modified", "Pragma", "Content-Length", "Content-Language", "Content-Type", "WWW-Authenticate"]), // as Hydra, and what RFC 6750 §3 puts in a header
  allow_credentials: z.boolean().default(true), // as Hydra
  max_age: z.int().min(0).default(0), // seconds; as Hydra
});

const address = (defaults: { readonly port: number; readonly host: string }) => ({
  host: z.string().default(defaults.host),
  port: port.default(defaults.port),
  socket: z
    .strictObject({
      owner: z.string().optional(), // of a socket file: a name or a number; unset: who runs the server
      group: z.string().optional(),
      mode: z.coerce
        .string()
        .regex(/^0?[0-7]{3}$/)
        .default("0755"), // octal digits; as Hydra: to connect one must be allowed to write
    })
    .prefault({}),
});
const browserPort = { tls: terminatedTls.prefault({}), request_log: z.strictObject({ disable_for_health: z.boolean().default(false) }).prefault({}) }; // true: no line for each probe
const open = { open: z.boolean().default(false) }; // true: an address that others reach is served without credentials, since something in front asks for them

/** A bearer token by itself or by its digest, so that the file need not tell a credential. */
const bearer = {
  name: z.string(),
  token: z.string().min(32).optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
};
const isOneOf = (entry: { readonly token?: string | undefined; readonly sha256?: string | undefined }): boolean => (entry.token === undefined) !== (entry.sha256 === undefined);

const role = z.enum(["gateway", "admin", "keys", "service"]);

/** The configuration: every option with its default and its reason. Hydra's keys keep Hydra's names. */
export const configSchema = z.strictObject({
  dsn: z.string().optional(), // where the state is: `sqlite://FILE`, `memory`, `mysql://…`
  dev: z.boolean().default(false), // http issuer, generated secrets, migrations by itself
  compat: z.enum(["none", "hydra"]).default("none"), // docs/divergences.md: which of its columns holds
  serve: z
    .strictObject({
      public: z.strictObject({ ...address({ host: "0.0.0.0", port: 4444 }), ...browserPort, cors: cors.prefault({}) }).prefault({}), // browsers and clients
      admin: z.strictObject({ ...address({ host: "127.0.0.1", port: 4445 }), ...browserPort, ...open, cors: cors.prefault({}) }).prefault({}), // loopback: without credentials it must not be reached from elsewhere
      rpc: z.strictObject({ ...address({ host: "127.0.0.1", port: 4440 }), tls: tls.prefault({}), ...open }).prefault({}), // the same
      tls: terminatedTls.prefault({}), // what serve.public.tls and serve.admin.tls do not say themselves, as Hydra
      demo: z.strictObject({ host: z.string().default("127.0.0.1"), port: port.default(4450) }).prefault({}), // the demo login app, in `serve all --dev` and `serve demo`
      cookies: z
        .strictObject({
          same_site_mode: z.enum(["Strict", "Lax", "None"]).default("Lax"), // None, for iframes with prompt=none, needs an https issuer; Strict would lose the way back from the login app
          domain: z.string().optional(), // unset: this host alone, and the names begin with __Host-
          secure: z.boolean().optional(), // only looked at on an http issuer, behind something that ends TLS
          names: z
            .strictObject({ login_csrf: cookieName.optional(), consent_csrf: cookieName.optional(), device_csrf: cookieName.optional(), session: cookieName.optional() })
            .prefault({}), // login_csrf: the cookie that binds a flow to its browser; consent_csrf and device_csrf: not looked at, one cookie does for all
          paths: z.strictObject({ session: z.string().startsWith("/").default("/") }).prefault({}),
        })
        .prefault({}),
      shutdown_grace: duration.prefault("20s"), // how long requests under way may go on when the process is asked to stop
    })
    .prefault({}),
  core: z.strictObject({ url: httpUrl.optional(), token: z.string().optional(), ca: z.string().optional(), cert: z.string().optional(), key: z.string().optional() }).prefault({}), // for a gateway alone: where core is and how to prove itself there (token; or paths of PEM files)
  access: z
    .strictObject({
      tokens: z.array(z.strictObject({ ...bearer, roles: z.array(role).min(1) }).refine(isOneOf, "needs either token or sha256")).default([]), // bearer tokens of callers of the RPC and admin ports
      certificates: z.array(z.strictObject({ name: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), roles: z.array(role).min(1) })).default([]), // client certificates by the SHA-256 of their DER
    })
    .prefault({}), // both empty: whoever reaches the port may do everything, which is why it is loopback only
  urls: z
    .strictObject({
      self: z.strictObject({ issuer: issuerUrl.optional(), public: issuerUrl.optional(), admin: httpUrl.optional() }).prefault({}), // issuer: https but for `dev`; public: where the public port is reached, the issuer unless set
      login: httpUrl.optional(), // the operator's apps; unset: a page that says so
      registration: httpUrl.optional(), // prompt=registration goes there; the login app unless set
      consent: httpUrl.optional(),
      logout: httpUrl.optional(), // unset: a page of our own asks
      post_logout_redirect: httpUrl.optional(), // where a logout ends that has no other place to go; unset: a page of our own
      device: z.strictObject({ verification: httpUrl.optional(), success: httpUrl.optional() }).prefault({}), // where people enter a device's user code, and where they are told that it worked
      error: httpUrl.optional(), // unset: a page of our own
    })
    .prefault({}),
  secrets: z.strictObject({ system: z.array(z.string().min(16)).default([]), pagination: z.array(z.string().min(16)).default([]) }).prefault({}), // the first seals, all open; pagination: the system's unless set
  ttl: z
    .strictObject({
      login_consent_request: duration.prefault("30m"), // from the authorization request until its last answer
      authentication_session: duration.prefault("720h"), // how long a browser is remembered where the login app does not say
      auth_code: duration.optional(), // unset: 60 s (RFC 6749 §4.1.2 asks for a short life), under `compat: hydra` 10 min
      access_token: duration.prefault("1h"),
      refresh_token: z.union([z.literal(-1), z.literal("-1"), duration]).prefault("720h"), // from its last use; -1: for good
      id_token: duration.prefault("1h"),
      device_user_code: duration.refine((milliseconds) => milliseconds >= 1000 && milliseconds <= 86_400_000, "must be between a second and a day").prefault("10m"), // both codes of a device, as Hydra; RFC 8628 §5.1 asks for a short life
    })
    .prefault({}),
  strategies: z
    .strictObject({
      access_token: z.enum(["opaque", "jwt"]).default("opaque"), // a sealed token costs a third of a signed one
      scope: z.enum(["exact", "wildcard"]).default("wildcard"), // as Hydra
      jwt: z.strictObject({ scope_claim: z.enum(["list", "string", "both"]).optional(), alg: z.enum(SIGNATURE_ALGS).optional() }).prefault({}), // unset: `scope` as a string and ES256 (RFC 9068 §2.2.3); under `compat: hydra` `scp` as a list and RS256
    })
    .prefault({}),
  webfinger: z
    .strictObject({
      oidc_discovery: z
        .strictObject({
          auth_url: httpUrl.optional(), // each: what the metadata document says in place of the endpoint's own URL
          token_url: httpUrl.optional(),
          jwks_url: httpUrl.optional(),
          userinfo_url: httpUrl.optional(),
          client_registration_url: httpUrl.optional(),
          device_authorization_url: httpUrl.optional(),
          supported_claims: z.array(z.string()).default([]), // said beside those that Writ itself knows
          supported_scope: z.array(z.string()).default([]),
        })
        .prefault({}),
    })
    .prefault({}),
  token_prefix: z
    .string()
    .regex(/^[a-z0-9]{1,16}$/)
    .optional(), // `writ`: writ_at_…; under `compat: hydra` `ory`
  oauth2: z
    .strictObject({
      exclude_not_before_claim: z.boolean().optional(), // JWT access tokens without `nbf`; unset: without, under `compat: hydra` with it
      allowed_top_level_claims: z.array(z.string().min(1)).default([]), // of the session's claims those that stand in JWT access tokens themselves
      mirror_top_level_claims: z.boolean().default(true), // all of them stand in `ext` too; as Hydra
      preserve_ext_claims: z.boolean().default(false), // where they are not mirrored: those that are not allowed at the top stand in `ext`
      token_hook: webhook.optional(), // asked before tokens are made, at every token request
      refresh_token_hook: webhook.optional(), // the same for refreshes alone, before the other; Hydra's older one
      client_credentials: z.strictObject({ default_grant_allowed_scope: z.boolean().default(false) }).prefault({}), // as Hydra: no scope asked, none granted
      pkce: z.strictObject({ enforced: z.boolean().default(false), enforced_for_public_clients: z.boolean().optional() }).prefault({}), // unset: public clients must (RFC 9700 §2.1.1), under `compat: hydra` need not
      device_authorization: z
        .strictObject({
          token_polling_interval: duration.refine((milliseconds) => milliseconds >= 1000 && milliseconds <= 300_000, "must be between a second and 5 minutes").prefault("5s"), // RFC 8628 §3.2
          user_code: z
            .strictObject({
              entropy_preset: z.enum(["high", "medium", "low"]).optional(), // Hydra's; unset: 8 of RFC 8628 §6.1's 20 letters, under `compat: hydra` high
              length: z.int().min(6).max(32).optional(),
              character_set: z
                .string()
                .regex(/^[A-Za-z0-9]{8,62}$/, "must be 8 or more letters and digits")
                .refine((text) => new Set(text.toUpperCase()).size === text.length, "holds a character twice: case means nothing to people who type")
                .optional(),
            })
            .refine(
              ({ entropy_preset: preset, length, character_set: set }) => preset === undefined || (length === undefined && set === undefined),
              "needs either entropy_preset, or length and character_set",
            )
            .prefault({}),
        })
        .prefault({}),
      grant: z
        .strictObject({
          jwt: z
            .strictObject({
              jti_optional: z.boolean().default(false), // true: an assertion without `jti` can be used again until it expires
              iat_optional: z.boolean().default(false), // as Hydra; without it `max_ttl` counts from now
              max_ttl: duration.prefault("720h"), // from `iat` to `exp`, as Hydra
              omit_assertion_audience: z.boolean().default(true), // as Hydra: the token is for whom the client asks, and not for whom the assertion was
            })
            .prefault({}),
          refresh_token: z.strictObject({ rotation_grace_period: duration.refine((milliseconds) => milliseconds <= 300_000, "is longer than 5 minutes").optional() }).prefault({}), // a superseded refresh token is no theft for so long: 60 s, under `compat: hydra` 0
        })
        .prefault({}),
    })
    .prefault({}),
  oidc: z
    .strictObject({
      subject_identifiers: z
        .strictObject({
          supported_types: z
            .array(z.enum(["public", "pairwise"]))
            .min(1)
            .default(["public"]), // as Hydra
          pairwise: z.strictObject({ salt: z.string().min(8).optional() }).prefault({}), // what nobody may know who is not to link subjects; must never change
        })
        .refine(
          ({ supported_types, pairwise }) => !supported_types.includes("pairwise") || pairwise.salt !== undefined,
          "has pairwise among supported_types and no pairwise.salt: set it to a secret of 8 characters or more that never changes",
        )
        .prefault({}),
      dynamic_client_registration: z
        .strictObject({
          enabled: z.boolean().default(false), // as Hydra: strangers may not make clients unless the operator says so
          default_scope: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/)).default(["offline_access", "offline", "openid"]), // as Hydra; also of clients that are made by the admin API
          allowed_grant_types: z.array(z.string()).optional(), // unset: those by which a person agrees, since any scope may be registered; under `compat: hydra` all
          initial_access_tokens: z.array(z.strictObject(bearer).refine(isOneOf, "needs either token or sha256")).default([]), // empty: anybody may register (RFC 7591 §3)
          max_per_minute: z.int().min(1).max(100_000).default(60), // in one process: enough for people and test suites, too few to fill a disk
        })
        .prefault({}),
    })
    .prefault({}),
  refresh: z.strictObject({ revoke_previous_access_tokens: z.boolean().optional() }).prefault({}), // unset: they live until they expire; under `compat: hydra` a refresh ends them
  keys: z.strictObject({ publish_before_use: duration.prefault("10m") }).prefault({}), // a new key is in the JWKS for so long before it signs; under `compat: hydra` none
  session_management: z.strictObject({ enabled: z.boolean().default(false) }).prefault({}), // clients may watch the session from a frame; off, for it needs a cookie that any site's frame gets, and most browsers keep it from them
  outbound: z.strictObject({ allow: z.array(z.string()).default([]) }).prefault({}), // hosts, addresses and networks that are not public and that URLs of clients may lead to
  log: z
    .strictObject({ level: z.enum(["panic", "fatal", "error", "warn", "info", "debug", "trace"]).default("info"), format: z.enum(["json", "json_pretty", "text"]).optional() })
    .prefault({}), // unset: text for a terminal, JSON else; panic: Hydra's, as fatal
});

/** The configuration after its check. Durations are in milliseconds. */
export type Config = z.output<typeof configSchema>;

/** The configuration as it is written. */
export type ConfigInput = z.input<typeof configSchema>;
