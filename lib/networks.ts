import { BlockList, isIP } from "node:net";

/** Whether an address is in one of some networks. */
export type Networks = (address: string) => boolean;

/** A network, or one address, taken apart. */
export interface NetworkText {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

/** Reads an address or a network such as `10.0.0.0/8` (RFC 4632 §3.1, RFC 4291 §2.3). Undefined: it is none. */
export function readNetwork(text: string): NetworkText | undefined {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || more.length > 0 || (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most))) return undefined;
  return { address, bits: bits === undefined ? most : Number(bits), family: version === 4 ? "ipv4" : "ipv6" };
}

/** Whether a text is an address or a network. */
export function isNetwork(text: string): boolean {
  return readNetwork(text) !== undefined;
}

/** Makes the test for networks that `isNetwork` has looked at. An IPv4 address may come in the form of IPv6 (RFC 4291 §2.5.5.2). */
export function networks(list: readonly string[]): Networks {
  const block = new BlockList();
  for (const { address, bits, family } of list.flatMap((each) => readNetwork(each) ?? [])) block.addSubnet(address, bits, family);
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
    const version = isIP(plain);
    return version !== 0 && block.check(plain, version === 4 ? "ipv4" : "ipv6");
  };
}
