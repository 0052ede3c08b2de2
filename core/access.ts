import { Code, ConnectError } from "@connectrpc/connect";
import { Access } from "#gen/writ/options_pb.ts";
import type { Config } from "#lib/config.ts";
import { equalBytes, hashSecret } from "#lib/hash.ts";
import type { Caller, IncomingCall } from "#lib/rpc/call.ts";

/** Says who makes a call. */
export interface AccessTable {
  /** @throws ConnectError unauthenticated when what was brought is not known */
  authenticate(call: IncomingCall): Caller;
}

type Role = Config["access"]["tokens"][number]["roles"][number];

const ROLES: Readonly<Record<Role, Access>> = { gateway: Access.GATEWAY, admin: Access.ADMIN, keys: Access.KEYS, service: Access.SERVICE };
const EVERY_ROLE: ReadonlySet<Access> = new Set(Object.values(ROLES));

/** Listeners whose addresses are to be looked at. */
export type AddressChecks = readonly ("admin" | "rpc")[];

interface Credential {
  readonly sha256: Uint8Array;
  readonly caller: Caller;
}

/** Makes the table of `access`. Where it is empty, whoever reaches the port holds every role. */
export function makeAccessTable(config: Pick<Config, "access" | "serve">): AccessTable {
  const tokens = config.access.tokens.map(
    ({ name, token, sha256, roles }): Credential => ({ sha256: token === undefined ? Buffer.from(sha256 ?? "", "hex") : hashSecret(token), caller: makeCaller(name, roles) }),
  );
  const certificates = new Map(config.access.certificates.map(({ name, sha256, roles }) => [sha256, makeCaller(name, roles)]));
  const open = tokens.length === 0 && certificates.size === 0;
  const anonymous: Caller = { name: "", roles: open ? EVERY_ROLE : new Set() };
  const gateway: Caller = { name: "gateway", roles: open || config.serve.admin.open ? EVERY_ROLE : new Set([Access.GATEWAY]) };

  const ofToken = (authorization: string): Caller => {
    const [, token] = /^Bearer +([ -~]+)$/i.exec(authorization) ?? [];
    const sha256 = hashSecret(token ?? "");
    // Every entry is compared, so that the time says nothing of which one it was.
    const found = tokens.filter((each) => equalBytes(each.sha256, sha256)).at(0);
    if (token === undefined || found === undefined) throw new ConnectError("credentials are not valid", Code.Unauthenticated);
    return found.caller;
  };

  return {
    authenticate({ via, authorization, certificateSha256 }) {
      const byPlace = via === "direct" ? gateway : certificateSha256 === undefined ? anonymous : (certificates.get(certificateSha256) ?? anonymous);
      if (authorization === undefined || open) return byPlace;
      const byToken = ofToken(authorization);
      return byPlace.roles.size === 0 ? byToken : { name: byToken.name, roles: new Set([...byPlace.roles, ...byToken.roles]) };
    },
  };
}

/**
 * Refuses to serve the admin or RPC port to everybody who can reach it.
 * @throws Error with one line that says what to do
 */
export function requireClosedAddresses(config: Pick<Config, "access" | "serve">, listeners: AddressChecks): void {
  if (config.access.tokens.length > 0 || config.access.certificates.length > 0) return;
  for (const name of listeners) {
    const { host, open, tls } = config.serve[name];
    const asksForCertificates = tls.enabled && tls.client_ca !== undefined;
    if (!open && !asksForCertificates && !isLoopback(host))
      throw new Error(
        `serve.${name}.host is ${host}, which others reach, and no credentials are asked for: set access.tokens or access.certificates, bind it to 127.0.0.1, or set serve.${name}.open to true if something in front asks`,
      );
  }
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || host.startsWith("unix:") || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

function makeCaller(name: string, roles: readonly Role[]): Caller {
  return { name, roles: new Set(roles.map((role) => ROLES[role])) };
}
