import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, get } from "node:https";
import { test } from "node:test";
import { makeSelfSigned } from "./self-signed.ts";

test("RFC 5280 §4.1: the certificate is that of its key, signed by it, for loopback names, good now; TLS takes it", async () => {
  const { key, cert } = makeSelfSigned(Date.now());
  const certificate = new X509Certificate(cert);
  assert.equal(certificate.verify(certificate.publicKey), true);
  assert.deepEqual([certificate.checkIP("127.0.0.1"), certificate.checkHost("localhost"), certificate.checkHost("example.com")], ["127.0.0.1", "localhost", undefined]);
  assert.ok(Date.parse(certificate.validFrom) < Date.now() && Date.parse(certificate.validTo) > Date.now());
  assert.notEqual(new X509Certificate(makeSelfSigned(Date.now()).cert).serialNumber, certificate.serialNumber);
  const server = createServer({ key, cert }, (_, response) => response.end("ok")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const [response] = await once(get({ port, host: "127.0.0.1", ca: cert, agent: false }), "response");
  assert.equal(response.statusCode, 200);
  response.resume();
  server.close();
});
