import assert from "node:assert/strict";
import { test } from "node:test";
import { type AddressClass, addressClass, networkOf } from "./address-class.ts";

const ADDRESSES: Readonly<Record<string, AddressClass>> = {
  "8.8.8.8": "public",
  "1.1.1.1": "public",
  "172.15.255.255": "public",
  "172.32.0.0": "public",
  "100.63.255.255": "public",
  "100.128.0.0": "public",
  "223.255.255.255": "public",
  "2606:4700:4700::1111": "public",
  "2a00:1450:4001:800::200e": "public",
  "127.0.0.1": "loopback",
  "127.255.255.254": "loopback",
  "::1": "loopback",
  "0:0:0:0:0:0:0:1": "loopback",
  "10.0.0.1": "private",
  "172.16.0.1": "private",
  "172.31.255.255": "private",
  "192.168.1.1": "private",
  "fc00::1": "private",
  "fdff:ffff::1": "private",
  "fec0::1": "private",
  "169.254.169.254": "link_local",
  "fe80::1": "link_local",
  "febf::1": "link_local",
  "100.64.0.1": "shared",
  "100.127.255.255": "shared",
  "224.0.0.1": "multicast",
  "239.255.255.255": "multicast",
  "ff02::1": "multicast",
  "0.0.0.0": "reserved",
  "0.1.2.3": "reserved",
  "192.0.0.8": "reserved",
  "192.0.2.1": "reserved",
  "198.18.0.1": "reserved",
  "198.19.255.255": "reserved",
  "203.0.113.9": "reserved",
  "240.0.0.1": "reserved",
  "255.255.255.255": "reserved",
  "::": "embedded",
  "::ffff:127.0.0.1": "embedded",
  "::ffff:7f00:1": "embedded",
  "::ffff:8.8.8.8": "embedded",
  "::127.0.0.1": "embedded",
  "64:ff9b::7f00:1": "embedded",
  "64:ff9b:1::a00:1": "embedded",
  "2002:7f00:1::": "embedded",
  "2001::1": "embedded",
  "2001:db8::1": "reserved",
  "2001:2::1": "reserved",
  "3fff::1": "reserved",
  "100::1": "reserved",
  "4000::1": "reserved",
  "1::1": "reserved",
  "": "reserved",
  localhost: "reserved",
  "127.1": "reserved",
  "0x7f.0.0.1": "reserved",
};

for (const [address, expected] of Object.entries(ADDRESSES)) test(`RFC 6890 §2.2: ${address || "nothing"} is ${expected}`, () => assert.equal(addressClass(address), expected));

test("a network holds what is written, in its own family only", () => {
  assert.equal(networkOf("10.1.0.0/16")?.holds("10.1.255.1"), true);
  assert.equal(networkOf("10.1.0.0/16")?.holds("10.2.0.1"), false);
  assert.equal(networkOf("10.1.0.0/16")?.holds("::ffff:10.1.0.1"), false);
  assert.equal(networkOf("::ffff:0:0/96")?.holds("10.1.0.1"), false);
  assert.equal(networkOf("10.1.2.3")?.holds("10.1.2.3"), true);
  assert.equal(networkOf("10.1.2.3")?.holds("10.1.2.4"), false);
  assert.equal(networkOf("fd00::/8")?.holds("fd12::1"), true);
});

for (const text of ["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "::/129", "fe80::1%eth0", "10.0/8"])
  test(`'${text}' is no network`, () => assert.equal(networkOf(text), undefined));
