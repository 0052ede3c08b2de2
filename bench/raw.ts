// The floor: node:http that parses the same form and Basic credentials, compares the secret's hash and answers about as much JSON.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CLIENT_ID, CLIENT_SECRET } from "./client.ts";

const HASH = createHash("sha256").update(CLIENT_SECRET).digest();
const TOKEN = `raw_${"x".repeat(160)}`;

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const [id = "", secret = ""] = Buffer.from((request.headers.authorization ?? "").slice("Basic ".length), "base64")
      .toString()
      .split(":");
    const known = id === CLIENT_ID && timingSafeEqual(createHash("sha256").update(decodeURIComponent(secret)).digest(), HASH);
    const asked = form.has("token") || form.get("grant_type") === "client_credentials";
    const body = JSON.stringify({ access_token: TOKEN, expires_in: 3599, scope: form.get("scope") ?? "", token_type: "Bearer" });
    response.writeHead(known && asked ? 200 : 400, { "content-type": "application/json", "content-length": Buffer.byteLength(body), "cache-control": "no-store" });
    response.end(body);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.on("SIGTERM", () => process.exit(0));
