import { createSecretKey } from "node:crypto";
import { ClientService } from "#gen/writ/admin/v1/client_service_pb.ts";
import { ConsentService } from "#gen/writ/admin/v1/consent_service_pb.ts";
import { DeviceService } from "#gen/writ/admin/v1/device_service_pb.ts";
import { JwkService } from "#gen/writ/admin/v1/jwk_service_pb.ts";
import { LoginService } from "#gen/writ/admin/v1/login_service_pb.ts";
import { LogoutService } from "#gen/writ/admin/v1/logout_service_pb.ts";
import { MetadataService } from "#gen/writ/admin/v1/metadata_service_pb.ts";
import { SessionService } from "#gen/writ/admin/v1/session_service_pb.ts";
import { TokenService as AdminTokenService } from "#gen/writ/admin/v1/token_service_pb.ts";
import { TrustedIssuerService } from "#gen/writ/admin/v1/trusted_issuer_service_pb.ts";
import { OAuthService } from "#gen/writ/oauth/v1/oauth_service_pb.ts";
import { TokenService } from "#gen/writ/token/v1/token_service_pb.ts";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import { pooledRandom } from "#lib/random.ts";
import { type Dispatcher, type Registration, register } from "#lib/rpc/call.ts";
import { derive, makeSealer, type Sealer } from "#lib/seal.ts";
import { type Clock, systemClock } from "#lib/time.ts";
import { makeAccessTable } from "./access.ts";
import { makeRegistrationLimit } from "./client/registration-limit.ts";
import { makeSlowHash } from "./client/slow-hash.ts";
import type { Deps } from "./deps.ts";
import { makeGuesses } from "./device/guesses.ts";
import { makePollPace } from "./device/poll-pace.ts";
import { makeUserCodeHashes } from "./device/user-code.ts";
import { makeDispatcher } from "./dispatch.ts";
import { healthRegistration } from "./health.ts";
import { ISSUER } from "./issuer.ts";
import { makeRemoteKeys } from "./jwt/remote-keys.ts";
import { requireKnownSealKeys } from "./keys/reseal.ts";
import { FIRST_ALGS, makeSigningKeys, SIGNING_SETS } from "./keys/signing-keys.ts";
import { makeLogoutDelivery } from "./logout/delivery.ts";
import { makeOutbound } from "./outbound/outbound.ts";
import type { Webhook } from "./outbound/webhook.ts";
import { adminTokenService } from "./services/admin-token.ts";
import { clientService } from "./services/client.ts";
import { consentService } from "./services/consent.ts";
import { deviceService } from "./services/device.ts";
import { jwkService } from "./services/jwk.ts";
import { loginService } from "./services/login.ts";
import { logoutService } from "./services/logout.ts";
import { metadataService } from "./services/metadata.ts";
import { oauthService } from "./services/oauth.ts";
import { sessionService } from "./services/session.ts";
import { tokenService } from "./services/token.ts";
import { trustedIssuerService } from "./services/trusted-issuer.ts";
import { settle } from "./settings.ts";
import { closeDb, type OpenOptions, openDb, pingDb } from "./store/db.ts";
import { migrateUp, requireSchema } from "./store/migrate.ts";
import { makeOpenedTokens } from "./token/opened-tokens.ts";
import { makeRevocationKeys } from "./token/revocation-keys.ts";
import type { TokenHooks } from "./token/token-hooks.ts";

/** A running core: what to call, and how to end it. */
export interface Core {
  readonly dispatcher: Dispatcher;
  /** Whether requests can be served now. */
  ready(): Promise<boolean>;
  /** Waits for writes under way and closes the database. */
  close(): Promise<void>;
}

/** What core cannot find in the configuration. */
export interface CoreOptions {
  readonly log: Log;
  /** Of this package. */
  readonly version: string;
  /** The system's, unless a test brings another. */
  readonly clock?: Clock;
  readonly onStatement?: OpenOptions["onStatement"];
}

/**
 * Opens the database, makes what is missing (in `dev` and in memory the schema; always the first signing keys) and wires
 * the services.
 * @throws Error with one line for the operator when the configuration or the database does not allow a start
 */
export async function composeCore(config: Config, { log, version, clock = systemClock, onStatement }: CoreOptions): Promise<Core> {
  const settings = settle(config);
  if (config.dsn === undefined) throw new Error("dsn is not set: say where the state is, such as DSN=sqlite://data/writ.sqlite");
  if (config.secrets.system.length === 0)
    throw new Error("secrets.system is not set: give at least one secret of 16 characters or more, such as SECRETS_SYSTEM=$(openssl rand -hex 32)");
  const db = await openDb({ dsn: config.dsn, log, ...(onStatement === undefined ? {} : { onStatement }) });
  try {
    if (config.dev || config.dsn === "memory") await migrateUp(db);
    else await requireSchema(db);
    const random = pooledRandom();
    const { system, pagination } = config.secrets;
    const sealerOf = (secrets: readonly string[]): Sealer => makeSealer({ secrets, issuer: ISSUER, prefix: settings.tokenPrefix, random });
    const sealer = sealerOf(system);
    const pageSealer = pagination.length > 0 ? sealerOf(pagination) : sealer;
    const revocationKeys = makeRevocationKeys(config.secrets.system, ISSUER);
    const digestKey = createSecretKey(derive(config.secrets.system[0] ?? "", "writ consent digest v1", 32));
    const keys = makeSigningKeys({ db, issuer: ISSUER, sealer, settings });
    const hooks = await makeTokenHooks(config);
    const outbound = makeOutbound({ allow: config.outbound.allow, allowLoopback: config.dev, allowHttp: config.dev });
    const logoutDelivery = makeLogoutDelivery({ db, issuer: ISSUER, keys, settings, clock, random, outbound, log });
    const deps: Deps = {
      db,
      issuer: ISSUER,
      config,
      settings,
      clock,
      random,
      sealer,
      pageSealer,
      keys,
      openedTokens: makeOpenedTokens(),
      slowHash: makeSlowHash({ random }),
      registrationLimit: makeRegistrationLimit(config.oidc.dynamic_client_registration.max_per_minute),
      revocationKeys,
      hooks,
      digestKey,
      outbound,
      logoutDelivery,
      remoteKeys: makeRemoteKeys({ outbound, log }),
      userCodeHashes: makeUserCodeHashes(config.secrets.system, ISSUER),
      guesses: makeGuesses(settings.device.lifetime * 1000),
      pollPace: makePollPace(),
      log,
      version,
    };
    await requireKnownSealKeys(deps);
    await makeFirstKeys(deps);
    const ready = async (): Promise<boolean> =>
      pingDb(db).then(
        () => true,
        () => false,
      );
    const close = async (): Promise<void> => {
      await Promise.all([logoutDelivery.close(), outbound.close(), closeTokenHooks(hooks)]); // together: what is under way is cut, and let go of for others
      await closeDb(db);
    };
    const registrations = serviceRegistrations(deps);
    const health = healthRegistration({ ready, services: registrations.map(({ service }) => service) });
    const dispatcher = makeDispatcher({ registrations: [...registrations, health], access: makeAccessTable(config), clock, random, log });
    logoutDelivery.wake(); // for what processes have left that are no more
    return { dispatcher, ready, close };
  } catch (error) {
    await closeDb(db);
    throw error;
  }
}

/** Loaded for those who have web hooks. */
async function makeTokenHooks({ oauth2: { token_hook: token, refresh_token_hook: refresh } }: Config): Promise<TokenHooks | undefined> {
  if (token === undefined && refresh === undefined) return undefined;
  const { makeWebhook } = await import("./outbound/webhook.ts");
  const make = (hook: typeof token): Webhook | undefined => (hook === undefined ? undefined : makeWebhook({ url: hook.url, auth: hook.auth?.config }));
  return { token: make(token), refresh: make(refresh) };
}

async function closeTokenHooks(hooks: TokenHooks | undefined): Promise<void> {
  await Promise.all([hooks?.token?.close(), hooks?.refresh?.close()]);
}

function serviceRegistrations(deps: Deps): Registration[] {
  return [
    register(OAuthService, oauthService(deps)),
    register(ClientService, clientService(deps)),
    register(JwkService, jwkService(deps)),
    register(AdminTokenService, adminTokenService(deps)),
    register(MetadataService, metadataService(deps)),
    register(TokenService, tokenService(deps)),
    register(LoginService, loginService(deps)),
    register(LogoutService, logoutService(deps)),
    register(ConsentService, consentService(deps)),
    register(DeviceService, deviceService(deps)),
    register(SessionService, sessionService(deps)),
    register(TrustedIssuerService, trustedIssuerService(deps)),
  ];
}

/** What will be asked for is ready and published before: making an RSA key takes longer than a client should wait. */
async function makeFirstKeys({ keys, clock, settings }: Deps): Promise<void> {
  for (const set of SIGNING_SETS) for (const alg of FIRST_ALGS) await keys.current(set, alg, clock());
  await keys.current("hydra.jwt.access-token", settings.jwt.alg, clock());
}
