import type { KeyObject } from "node:crypto";
import type { Config } from "#lib/config.ts";
import type { Log } from "#lib/events.ts";
import type { Random } from "#lib/random.ts";
import type { Sealer } from "#lib/seal.ts";
import type { Clock } from "#lib/time.ts";
import type { RegistrationLimit } from "./client/registration-limit.ts";
import type { SlowHash } from "./client/slow-hash.ts";
import type { Guesses } from "./device/guesses.ts";
import type { PollPace } from "./device/poll-pace.ts";
import type { UserCodeHashes } from "./device/user-code.ts";
import type { RemoteKeys } from "./jwt/remote-keys.ts";
import type { SigningKeys } from "./keys/signing-keys.ts";
import type { LogoutDelivery } from "./logout/delivery.ts";
import type { Outbound } from "./outbound/outbound.ts";
import type { Settings } from "./settings.ts";
import type { Db } from "./store/db.ts";
import type { OpenedTokens } from "./token/opened-tokens.ts";
import type { RevocationKeys } from "./token/revocation-keys.ts";
import type { TokenHooks } from "./token/token-hooks.ts";

/** Everything that core's functions may ask for; each asks for the part that it uses. */
export interface Deps {
  readonly db: Db;
  /** Id of the issuer in the database; its URL may change, this may not. */
  readonly issuer: number;
  readonly config: Config;
  /** What the configuration comes to once `compat` has been counted in. */
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly sealer: Sealer;
  /** Seals page tokens; with secrets of its own where `secrets.pagination` is set. */
  readonly pageSealer: Sealer;
  readonly keys: SigningKeys;
  readonly openedTokens: OpenedTokens;
  readonly slowHash: SlowHash;
  readonly registrationLimit: RegistrationLimit;
  readonly revocationKeys: RevocationKeys;
  /** Undefined: no web hook is configured. */
  readonly hooks: TokenHooks | undefined;
  /** Of digests that are kept beside what is sealed. */
  readonly digestKey: KeyObject;
  /** The way to URLs that clients have registered. */
  readonly outbound: Outbound;
  /** Tells clients of the end of sessions. */
  readonly logoutDelivery: LogoutDelivery;
  /** Keys at clients' `jwks_uri`. */
  readonly remoteKeys: RemoteKeys;
  readonly userCodeHashes: UserCodeHashes;
  /** Wrong user codes of devices. */
  readonly guesses: Guesses;
  /** When devices polled last. */
  readonly pollPace: PollPace;
  readonly log: Log;
  readonly version: string;
}
