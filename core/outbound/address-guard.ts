import { lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { buildConnector } from "undici";
import { type AddressClass, addressClass, type Network, networkOf } from "./address-class.ts";

/** Where connections may go. */
export interface GuardOptions {
  /** Hosts, addresses and networks that may be connected to whatever class they are of. */
  readonly allow: readonly string[];
  /** In development the client is beside the server. */
  readonly allowLoopback: boolean;
  /** The system's, unless a test brings another. */
  readonly lookup?: LookupFunction;
}

const HOST = /^(?!.*\.\d+\.?$)(?!\d+$)[\w-]+(\.[\w-]+)*\.?$/;
const CONNECT_TIMEOUT = 3000;

/** The code of errors that mean: a name led to an address that may not be connected to. */
export const REFUSED_ADDRESS = "WRIT_REFUSED_ADDRESS";

/**
 * Makes connections to addresses that may be connected to, and to no other. A name is resolved once, and what was checked
 * is what is connected to: a name server that answers differently a moment later changes nothing. Literal addresses never
 * reach a look-up, so they are checked by themselves.
 * @throws Error naming what is no host and no network
 */
export function makeGuardedConnector({ allow, allowLoopback, lookup = systemLookup }: GuardOptions): buildConnector.connector {
  const strange = allow.find((entry) => networkOf(entry) === undefined && !HOST.test(entry));
  if (strange !== undefined) throw new Error(`outbound.allow: '${strange}' is no host, address or network such as 10.1.0.0/16`);
  const networks = allow.map(networkOf).filter((network): network is Network => network !== undefined);
  const hosts = new Set(allow.filter((entry) => networkOf(entry) === undefined).map((host) => plainHost(host)));
  const open: ReadonlySet<AddressClass> = new Set(allowLoopback ? ["public", "loopback"] : ["public"]);
  const isAllowed = (host: string, address: string): boolean => open.has(addressClass(address)) || hosts.has(plainHost(host)) || networks.some((network) => network.holds(address));
  const guardedLookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, "");
      const addresses = (Array.isArray(found) ? found : [{ address: found, family: isIP(found) }]).filter(({ address }) => isAllowed(hostname, address));
      const [first] = addresses;
      if (first === undefined) return callback(refused(), "");
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT, lookup: guardedLookup, maxCachedSessions: 0 });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, "");
    if (isIP(host) !== 0 && !isAllowed(host, host)) callback(refused(), null);
    else connect(options, callback);
  };
}

/** Names compare without case and without the dot of the root. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

function refused(): Error {
  return Object.assign(new Error("the name leads to an address that may not be connected to"), { code: REFUSED_ADDRESS });
}
