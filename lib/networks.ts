import { BlockList, isIP } from "node:net";

/** Whether an address is in one of some networks. */
export type Networks = (address: string) => boolean;

/** Whether a text is an address or a network such as `10.0.0.0/8` (RFC 4632 §3.1, RFC 4291 §2.3). */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  return family !== 0 && more.length === 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)));
}

/** Makes the test for networks that `isNetwork` has looked at. An IPv4 address may come in the form of IPv6 (RFC 4291 §2.5.5.2). */
export function networks(list: readonly string[]): Networks {
  const block = new BlockList();
  for (const each of list) {
    const [address = "", bits] = each.split("/");
    const family = isIP(address) === 4 ? "ipv4" : "ipv6";
    block.addSubnet(address, bits === undefined ? (family === "ipv4" ? 32 : 128) : Number(bits), family);
  }
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
    const family = isIP(plain);
    return family !== 0 && block.check(plain, family === 4 ? "ipv4" : "ipv6");
  };
}
