import { BlockList, isIPv4, isIPv6 } from "node:net";
import { readNetwork } from "#lib/networks.ts";

/** What an address is for, as far as it matters to whoever connects to it on behalf of a stranger. */
export type AddressClass = "public" | "loopback" | "private" | "link_local" | "shared" | "multicast" | "embedded" | "reserved";

/** What is not public, by the IANA registries of special-purpose addresses (RFC 6890). */
const NETWORKS = {
  ipv4: [
    ["127.0.0.0/8", "loopback"],
    ["10.0.0.0/8", "private"],
    ["172.16.0.0/12", "private"],
    ["192.168.0.0/16", "private"],
    ["169.254.0.0/16", "link_local"], // where clouds keep their metadata services
    ["100.64.0.0/10", "shared"], // RFC 6598
    ["224.0.0.0/4", "multicast"],
    ["0.0.0.0/8", "reserved"], // 0.0.0.0 reaches this host
    ["192.0.0.0/24", "reserved"],
    ["192.0.2.0/24", "reserved"],
    ["192.31.196.0/24", "reserved"],
    ["192.52.193.0/24", "reserved"],
    ["192.88.99.0/24", "reserved"],
    ["192.175.48.0/24", "reserved"],
    ["198.18.0.0/15", "reserved"],
    ["198.51.100.0/24", "reserved"],
    ["203.0.113.0/24", "reserved"],
    ["240.0.0.0/4", "reserved"], // with 255.255.255.255
  ],
  ipv6: [
    ["::1/128", "loopback"],
    ["fc00::/7", "private"], // unique local, RFC 4193
    ["fe80::/10", "link_local"],
    ["fec0::/10", "private"], // site-local, of old
    ["ff00::/8", "multicast"],
    ["::ffff:0:0/96", "embedded"], // IPv4-mapped: reaches the IPv4 address that it ends in, as do the next
    ["::/96", "embedded"],
    ["::ffff:0:0:0/96", "embedded"],
    ["64:ff9b::/96", "embedded"],
    ["64:ff9b:1::/48", "embedded"],
    ["2001::/32", "embedded"], // Teredo
    ["2002::/16", "embedded"], // 6to4
    ["2001::/23", "reserved"],
    ["2001:db8::/32", "reserved"],
    ["3fff::/20", "reserved"],
    ["100::/64", "reserved"],
    ["5f00::/16", "reserved"],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [string, AddressClass])[]>>;

/** Only these are handed out to the internet (IANA, RFC 4291 §2.4). */
const GLOBAL_UNICAST = networkOf("2000::/3");
const CLASSES = Object.values(NETWORKS).flatMap((networks) => networks.map(([network, name]) => ({ network: networkOf(network), name })));

/** A network as `10.0.0.0/8` or `fd00::/8`, or one address. */
export interface Network {
  readonly holds: (address: string) => boolean;
}

/** What an IPv4 or IPv6 address is for; what cannot be read is `reserved`. */
export function addressClass(address: string): AddressClass {
  const found = CLASSES.find(({ network }) => network?.holds(address));
  if (found !== undefined) return found.name;
  return isIPv4(address) || GLOBAL_UNICAST?.holds(address) === true ? "public" : "reserved";
}

/** Reads a network or an address, of no zone; undefined: it is none. */
export function networkOf(text: string): Network | undefined {
  const read = text.includes("%") ? undefined : readNetwork(text);
  if (read === undefined) return undefined;
  const { address, bits, family } = read;
  const list = new BlockList();
  list.addSubnet(address, bits, family);
  const isRight = family === "ipv4" ? isIPv4 : isIPv6;
  // A list by itself takes ::ffff:10.0.0.1 for 10.0.0.1 and the other way round: what is allowed must be what is written.
  return { holds: (other) => isRight(other) && list.check(other, family) };
}
