import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AUTHORIZATION } from "./client.ts";
import type { Load } from "./load.ts";
import { type Running, start } from "./process.ts";

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const MAIN = here("../dist/server/main.js");
const CLIENT_CREDENTIALS = "grant_type=client_credentials&scope=read";

/** A server with what it is asked for. */
export interface Target {
  readonly server: Running;
  readonly load: Load;
}

/** A row of the table: the same request to Writ, to the floor and to the peer. */
export interface Row {
  readonly name: string;
  readonly writ: Target;
  readonly raw: Target;
  readonly peer: Target;
}

/** Starts everything. `opened` gets each server as soon as it runs, so that it can be stopped whatever happens next. */
export async function startAll(folder: string, tokens: number, opened: Running[]): Promise<readonly Row[]> {
  const keep = async (server: Promise<Running>): Promise<Running> => {
    opened.push(await server);
    return server;
  };
  const raw = await keep(start([here("raw.ts")]));
  const peer = async (mode: string) => keep(start([here("peer.ts"), mode]));
  const [opaquePeer, jwtPeer, introspectionPeer] = [await peer("opaque"), await peer("jwt"), await peer("introspection")];
  const writ = await startWrit(folder, keep);

  const target = (server: Running, path: string, bodies: readonly string[] = [CLIENT_CREDENTIALS], authorization = AUTHORIZATION): Target => ({
    server,
    load: { url: server.url + path, authorization, bodies },
  });
  const ofWrit = (path: string, authorization: string, bodies?: readonly string[]) => target(writ.server, path, bodies, authorization);
  const floor = target(raw, "/");
  const peersTokens = await manyTokens(target(introspectionPeer, "/token").load, tokens);
  const writsTokens = await manyTokens(ofWrit("/oauth2/token", writ.opaque).load, tokens);
  return [
    { name: "client_credentials, opaque", writ: ofWrit("/oauth2/token", writ.opaque), raw: floor, peer: target(opaquePeer, "/token") },
    { name: "client_credentials, JWT ES256", writ: ofWrit("/oauth2/token", writ.jwt), raw: floor, peer: target(jwtPeer, "/token") },
    {
      name: `introspection, ${tokens} tokens`,
      writ: ofWrit("/oauth2/introspect", writ.opaque, writsTokens),
      raw: target(raw, "/", writsTokens),
      peer: target(introspectionPeer, "/token/introspection", peersTokens),
    },
  ];
}

/** Writ as it is published, in production mode, over SQLite in a file. Clients have secrets that the server made. */
async function startWrit(folder: string, keep: (server: Promise<Running>) => Promise<Running>) {
  const [publicPort, adminPort, rpcPort] = [await freePort(), await freePort(), await freePort()];
  const config = join(folder, "writ.json");
  const listen = (port: number) => ({ host: "127.0.0.1", port });
  const urls = { self: { issuer: "https://auth.example.com" } };
  writeFileSync(
    config,
    JSON.stringify({
      dsn: `sqlite://${join(folder, "writ.sqlite")}`,
      urls,
      secrets: { system: [randomBytes(32).toString("hex")] },
      serve: { public: listen(publicPort), admin: listen(adminPort), rpc: listen(rpcPort) },
    }),
    { mode: 0o600 },
  );
  const migrated = spawnSync(process.execPath, [MAIN, "migrate", "sql", "up", "--yes", "-c", config], { encoding: "utf8" });
  if (migrated.status !== 0) throw new Error(`migrate: ${migrated.stdout}${migrated.stderr}`);
  const server = await keep(start([MAIN, "serve", "all", "-c", config], {}, `http://127.0.0.1:${publicPort}/health/ready`));
  const create = (strategy: string) => createClient(`http://127.0.0.1:${adminPort}/admin/clients`, strategy);
  return { server, opaque: await create("opaque"), jwt: await create("jwt") };
}

async function createClient(url: string, strategy: string): Promise<string> {
  const body = JSON.stringify({ grant_types: ["client_credentials"], scope: "read write", access_token_strategy: strategy, token_endpoint_auth_method: "client_secret_basic" });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const client = (await answer.json()) as { readonly client_id: string; readonly client_secret: string };
  if (answer.status !== 201) throw new Error(`create client: ${answer.status} ${JSON.stringify(client)}`);
  return `Basic ${Buffer.from(`${encodeURIComponent(client.client_id)}:${encodeURIComponent(client.client_secret)}`).toString("base64")}`;
}

/** Introspection requests for as many different tokens, all alive. */
async function manyTokens({ url, authorization, bodies }: Load, count: number): Promise<readonly string[]> {
  const requests: string[] = [];
  while (requests.length < count) {
    const answer = await fetch(url, { method: "POST", headers: { authorization, "content-type": "application/x-www-form-urlencoded" }, body: bodies[0] ?? "" });
    const { access_token: token } = (await answer.json()) as { readonly access_token?: string };
    if (token === undefined) throw new Error(`${url} answered ${answer.status}`);
    requests.push(`token=${encodeURIComponent(token)}`);
  }
  return requests;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
