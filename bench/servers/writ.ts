import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, type Running, start } from "../process.ts";
import { REDIRECT_URI } from "./client.ts";

/** The command as it is published. */
const PUBLISHED = fileURLToPath(new URL("../../dist/server/main.js", import.meta.url));

/** A client that a server knows: its id and secret, and both as a header. */
export interface Client {
  readonly id: string;
  readonly secret: string;
  readonly authorization: string;
}

/** Writ as it is published, in production mode. */
export interface Writ {
  /** All its processes. */
  readonly servers: readonly Running[];
  readonly publicUrl: string;
  readonly adminUrl: string;
  readonly rpcUrl: string;
  readonly dsn: string;
}

/** How it is run. */
export interface WritOptions {
  /** Folder for its files; made if need be. */
  readonly folder: string;
  /** A database: another one's is shared. Unset: SQLite in the folder. */
  readonly dsn?: string;
  /** Core and gateway in processes of their own. */
  readonly apart?: boolean;
  /** The core that it runs on. Unset: the servers' own. */
  readonly core?: number;
  /** The file that is the command. Unset: as it is published. */
  readonly program?: string;
  readonly more?: object;
  readonly env?: Readonly<Record<string, string>>;
}

export const SECRET = randomBytes(32).toString("hex");

/** Starts Writ over a database that is migrated if need be, on free ports. */
export async function startWrit({
  folder,
  dsn = `sqlite://${join(folder, "writ.sqlite")}`,
  apart = false,
  core = 0,
  program = PUBLISHED,
  more = {},
  env = {},
}: WritOptions): Promise<Writ> {
  mkdirSync(folder, { recursive: true });
  const [publicPort, adminPort, rpcPort] = [await freePort(), await freePort(), await freePort()];
  const listen = (port: number) => ({ host: "127.0.0.1", port });
  const config = join(folder, "writ.json");
  const rpcUrl = `http://127.0.0.1:${rpcPort}`;
  const settings = {
    dsn,
    urls: { self: { issuer: "https://auth.example.com" }, login: "https://login.example/", consent: "https://login.example/consent" },
    secrets: { system: [SECRET] },
    serve: { public: listen(publicPort), admin: listen(adminPort), rpc: listen(rpcPort) },
    ...(apart ? { core: { url: rpcUrl } } : {}),
    ...more,
  };
  writeFileSync(config, JSON.stringify(settings), { mode: 0o600 });
  const migrated = spawnSync(process.execPath, [program, "migrate", "sql", "up", "--yes", "-c", config], { encoding: "utf8" });
  if (migrated.status !== 0) throw new Error(`migrate: ${migrated.stdout}${migrated.stderr}`);
  const [publicUrl, adminUrl] = [`http://127.0.0.1:${publicPort}`, `http://127.0.0.1:${adminPort}`];
  const serve = (part: string, health: string) => start([program, "serve", part, "-c", config], env, health, core);
  const servers = apart ? [await serve("core", rpcUrl), await serve("gateway", `${publicUrl}/health/ready`)] : [await serve("all", `${publicUrl}/health/ready`)];
  return { servers, publicUrl, adminUrl, rpcUrl, dsn };
}

/** Registers a client with a secret that the server makes. */
export async function createClient({ adminUrl }: Writ, metadata: object): Promise<Client> {
  const body = JSON.stringify({ token_endpoint_auth_method: "client_secret_basic", ...metadata });
  const answer = await fetch(`${adminUrl}/admin/clients`, { method: "POST", headers: { "content-type": "application/json" }, body });
  const client = (await answer.json()) as { readonly client_id: string; readonly client_secret: string };
  if (answer.status !== 201) throw new Error(`create client: ${answer.status} ${JSON.stringify(client)}`);
  return {
    id: client.client_id,
    secret: client.client_secret,
    authorization: `Basic ${Buffer.from(`${encodeURIComponent(client.client_id)}:${encodeURIComponent(client.client_secret)}`).toString("base64")}`,
  };
}

/** One for machines. */
export const machine = (writ: Writ, more: object = {}): Promise<Client> => createClient(writ, { grant_types: ["client_credentials"], scope: "read write", ...more });

/** How one for the code flow is registered, with ID tokens as the peer signs them. */
export const CODE_FLOW = {
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  redirect_uris: [REDIRECT_URI],
  scope: "openid offline_access read write",
  id_token_signed_response_alg: "ES256",
} as const;
