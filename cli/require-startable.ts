import type { Config } from "#lib/config.ts";
import { CliError } from "./cli-error.ts";
import { type Part, roleOf } from "./part.ts";

/**
 * Refuses to start what would not work, or would not be safe. In `dev` an http issuer is fine; the rest is asked for always.
 * @throws Error with one line that says what to do
 */
export async function requireStartable(config: Config, part: Part): Promise<void> {
  const role = roleOf(part, config);
  if (part === "gateway" && config.core.url === undefined) throw new CliError("core.url is not set: say where core is, such as CORE_URL=http://127.0.0.1:4440, or use 'serve all'");
  if (part === "demo") return; // it is no part of the server: it has no issuer, no state, no secret
  requireIssuer(config);
  if (role.core) requireState(config, part);
  const { requireClosedAddresses } = await import("#core/access.ts");
  requireClosedAddresses(
    config,
    (["admin", "rpc"] as const).filter((listener) => role[listener]),
  );
}

/** RFC 8414 §2: https, no query, no fragment. */
function requireIssuer({ dev, urls }: Config): void {
  const { issuer } = urls.self;
  if (issuer === undefined)
    throw new CliError("urls.self.issuer is not set: give the https URL that clients know the server by, such as URLS_SELF_ISSUER=https://auth.example.com");
  if (!dev && !issuer.toLowerCase().startsWith("https://")) throw new CliError("urls.self.issuer is not https: give an https URL (only --dev allows http)");
}

function requireState({ dsn, secrets }: Config, part: Part): void {
  if (dsn === undefined) throw new CliError("dsn is not set: say where the state is, such as DSN=sqlite://data/writ.sqlite or DSN=mysql://user:password@host:3306/writ");
  if (part !== "all" && /^(memory|:memory:|sqlite:\/\/:memory:)$/.test(dsn)) throw new CliError("dsn is memory, which no other process can share: use 'serve all', or another dsn");
  if (secrets.system.length === 0)
    throw new CliError("secrets.system is not set: give at least one secret of 16 characters or more, such as SECRETS_SYSTEM=$(openssl rand -hex 32)");
}
