import assert from "node:assert/strict";
import { test } from "node:test";
import { isNetwork, networks } from "./networks.ts";

test("RFC 4632 §3.1, RFC 4291 §2.3: addresses and networks are told from all else", () => {
  for (const text of ["10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8", "0.0.0.0/0", "192.168.1.7/32"]) assert.equal(isNetwork(text), true, text);
  for (const text of ["", "localhost", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/-1", "*"]) assert.equal(isNetwork(text), false, text);
});

test("an address is found in its network, in whichever form it comes; what is none is in no network", () => {
  const isIn = networks(["10.0.0.0/8", "192.168.1.7", "fd00::/8"]);
  for (const address of ["10.255.0.1", "::ffff:10.1.2.3", "192.168.1.7", "fd12::1"]) assert.equal(isIn(address), true, address);
  for (const address of ["11.0.0.1", "192.168.1.8", "fe80::1%eth0", "", "10.0.0.1, 8.8.8.8", "::ffff:11.0.0.1"]) assert.equal(isIn(address), false, address);
  assert.equal(networks([])("10.0.0.1"), false);
});
