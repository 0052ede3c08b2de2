// The floor: node:http that parses the same form and Basic credentials, compares the secret's hash and answers about as much JSON.
// GET /N answers a document of N bytes.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CLIENT_ID, CLIENT_SECRET } from "./client.ts";

const HASH = createHash("sha256").update(CLIENT_SECRET).digest();
const TOKEN = `raw_${"x".repeat(160)}`;
const documents = new Map<string, Buffer>();

const server = createServer((request, response) => {
  if (request.method === "GET") return answer(response, 200, document(request.url ?? ""));
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const [id = "", secret = ""] = Buffer.from((request.headers.authorization ?? "").slice("Basic ".length), "base64")
      .toString()
      .split(":");
    const known = id === CLIENT_ID && timingSafeEqual(createHash("sha256").update(decodeURIComponent(secret)).digest(), HASH);
    const refreshToken = form.get("refresh_token") ?? undefined;
    const asked = form.has("token") || form.has("code") || refreshToken !== undefined || form.get("grant_type") === "client_credentials";
    answer(
      response,
      known && asked ? 200 : 400,
      JSON.stringify({ access_token: TOKEN, expires_in: 3599, refresh_token: refreshToken, scope: form.get("scope") ?? "", token_type: "Bearer" }),
    );
  });
});
server.listen(0, "127.0.0.1", () => console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.on("SIGTERM", () => process.exit(0));

function answer(response: ServerResponse, status: number, body: string | Buffer): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body), "cache-control": "no-store" });
  response.end(body);
}

function document(url: string): Buffer {
  const known = documents.get(url) ?? Buffer.from(`{"x":"${"x".repeat(Math.max(0, Number(url.slice(1)) - 8))}"}`);
  documents.set(url, known);
  return known;
}
