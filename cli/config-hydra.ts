import { type Environment, environmentName } from "./config-env.ts";
import type { Places } from "./config-places.ts";
import { LEAVES, namesAt } from "./config-schema.ts";
import { assign, type Tree, unassign, valueAt } from "./config-tree.ts";

/** What becomes of a key of Hydra's that Writ has no use for. */
interface HydraKey {
  /** Values that ask for nothing but what Writ does anyway. Absent: any. */
  readonly accepts?: (value: unknown) => boolean;
  /** What to do instead, where a value is not accepted; it follows the key's name. */
  readonly instead?: string;
}

const ANY: HydraKey = {};
const only = (accepted: unknown, instead: string): HydraKey => ({ accepts: (value) => value === accepted || String(value) === String(accepted), instead });
const never = (instead: string): HydraKey => ({ accepts: () => false, instead });

const KRATOS = "is not supported: Writ ends its own sessions; let the login app end those of the identity provider";
const TRACING = "is not supported: Writ logs a line for each request, with its milliseconds and X-Request-Id";
const HSM = "is not supported: private keys are in the database, sealed with secrets.system";
const GUARDED = "cannot be turned off: URLs that clients bring never lead to private addresses, but for hosts in outbound.allow";

/**
 * Keys of Hydra's configuration that are not in Writ's schema (hydra.md §10). What is in the schema is never looked up here. A key that
 * says nothing that would be missed is accepted and left out; another is refused with what to do instead.
 */
export const HYDRA_KEYS: Readonly<Record<string, HydraKey>> = {
  "db.ignore_unknown_table_columns": ANY,
  "log.leak_sensitive_values": only(false, "is not supported: tokens, codes, secrets and forms are never logged"),
  "log.redaction_text": ANY,
  "serve.public.cors.options_passthrough": only(false, "is not supported: preflights are answered by the server"),
  "serve.admin.cors.options_passthrough": only(false, "is not supported: preflights are answered by the server"),
  "serve.public.cors.debug": ANY,
  "serve.admin.cors.debug": ANY,
  "serve.cookies.same_site_legacy_workaround": only(false, "is not supported: browsers that need it are gone"),
  "serve.cookies.names.device_csrf": ANY,
  "clients.http.disallow_private_ip_ranges": only(true, GUARDED),
  "clients.http.private_ip_exception_urls": { accepts: isEmptyList, instead: "is not known: name the hosts in outbound.allow" },
  "hsm.enabled": only(false, HSM),
  "hsm.library": never(HSM),
  "hsm.pin": never(HSM),
  "hsm.slot": never(HSM),
  "hsm.token_label": never(HSM),
  "hsm.key_set_prefix": never(HSM),
  "webfinger.jwks.broadcast_keys": {
    accepts: (value) => listOf(value).every((each) => each === "hydra.openid.id-token" || each === "hydra.jwt.access-token"),
    instead: "names a set that Writ does not sign with: only the keys of hydra.openid.id-token and hydra.jwt.access-token are published",
  },
  "urls.identity_provider.url": never(KRATOS),
  "urls.identity_provider.publicUrl": never(KRATOS),
  "urls.identity_provider.headers": never(KRATOS),
  "ttl.vc_nonce": ANY,
  "oauth2.expose_internal_errors": only(false, "is not supported: the cause of an error is in the log, under the request's id"),
  "oauth2.session.encrypt_at_rest": only(true, "cannot be turned off: what consent apps attach is always sealed"),
  "oauth2.hashers.algorithm": ANY,
  "oauth2.hashers.bcrypt.cost": ANY,
  "oauth2.hashers.pbkdf2.iterations": ANY,
  "oauth2.grant.refresh_token.rotation_grace_reuse_count": only(
    0,
    "is not supported: a superseded refresh token may be used as often as need be while rotation_grace_period lasts",
  ),
  "secrets.cookie": ANY,
  profiling: never("is not supported: start Node.js with --cpu-prof or --heap-prof"),
  "tracing.provider": { accepts: (value) => value === "", instead: TRACING },
  "tracing.service_name": ANY,
  "tracing.deployment_environment": ANY,
  "tracing.providers": never(TRACING),
  "sqa.opt_out": ANY,
  "cgroups.v1.auto_max_procs_enabled": ANY,
  "feature_flags.legacy_allow_insecure_origins": only(false, "is not supported: a wildcard in an origin covers one label"),
  version: ANY,
};

/** Keys that Writ has under another name. */
const MOVED: Readonly<Record<string, string>> = { "serve.public.base_url": "urls.self.public", "serve.admin.base_url": "urls.self.admin" };

const SHARING = ["public", "admin"] as const;

/**
 * Makes of Hydra's keys what the schema knows: `serve.tls` is put where a port says nothing itself, keys that moved are put in
 * their places, and those that Writ does not have are taken out. Gives a line for each that asks for something which it does not do.
 */
export function settleHydraKeys(tree: Tree, env: Environment, places: Places): readonly string[] {
  const issues: string[] = [];
  for (const [key, target] of Object.entries(MOVED)) {
    const value = valueAt(tree, key.split("."));
    unassign(tree, key.split("."));
    if (value === undefined || valueAt(tree, target.split(".")) !== undefined) continue;
    assign(tree, target.split("."), value);
    places.set(target.split("."), `${places.find(key.split(".")) ?? "configuration"} (${key})`);
  }
  for (const [key, { accepts, instead }] of unsupported()) {
    const path = key.split(".");
    const value = valueAt(tree, path);
    unassign(tree, path);
    if (value !== undefined && accepts?.(value) === false) issues.push(`${places.find(path) ?? "configuration"}: ${key} ${instead}`);
    const name = environmentName({ path, kind: "text" });
    const text = env[name] ?? "";
    // A variable that is set for nothing would be taken for one that works. Names of one word belong to anybody.
    if (text !== "" && name.includes("_") && accepts?.(text) === false) issues.push(`environment ${name}: ${key} ${instead}`);
  }
  shareTls(tree);
  return issues;
}

/** What another version of the schema has taken in is no matter of this table any more. */
function unsupported(): [string, HydraKey][] {
  return Object.entries(HYDRA_KEYS).filter(([key]) => {
    const path = key.split(".");
    return !namesAt(path.slice(0, -1)).includes(path.at(-1) ?? "");
  });
}

function shareTls(tree: Tree): void {
  const shared = valueAt(tree, ["serve", "tls"]);
  if (typeof shared !== "object" || shared === null) return;
  for (const [name, value] of Object.entries(shared))
    for (const port of SHARING) {
      const path = ["serve", port, "tls", name];
      // Key and certificate are whole: half of one and half of another would fit by no chance.
      if (valueAt(tree, path) === undefined && LEAVES.some((leaf) => path.every((step, i) => leaf.path[i] === step))) assign(tree, path, value);
    }
}

function isEmptyList(value: unknown): boolean {
  return listOf(value).length === 0;
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return String(value)
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
