// The peer: oidc-provider, set up for the same requests. `node bench/servers/peer.ts opaque|introspection|flow|RS256|ES256|EdDSA`.
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } from "./client.ts";

process.env.NODE_ENV = "production"; // koa and debug read it when they are loaded
const mode = process.argv[2] ?? "opaque";
// @ts-expect-error: the package has no types
const { default: Provider } = (await import("oidc-provider")) as { readonly default: new (issuer: string, configuration: object) => Peer };

interface Peer {
  callback(): (request: IncomingMessage, response: ServerResponse) => void;
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<{ readonly params: { readonly scope: string } }>;
  readonly Grant: new (of: object) => { addOIDCScope(scope: string): void; save(): Promise<string> };
}

const alg = ["RS256", "ES256", "EdDSA"].includes(mode) ? mode : "ES256";
const { privateKey } =
  alg === "RS256" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
const JWT = {
  // The only way there to a JWT access token is a resource server of its own, here one that every request gets.
  resourceIndicators: {
    enabled: true,
    defaultResource: () => "https://api.example.com",
    getResourceServerInfo: () => ({ scope: "read write", audience: "https://api.example.com", accessTokenTTL: 3600, accessTokenFormat: "jwt", jwt: { sign: { alg } } }),
  },
};

const provider = new Provider("https://auth.example.com", {
  clients: [
    {
      client_id: CLIENT_ID,
      client_secret: CLIENT_SECRET,
      grant_types: ["client_credentials", "authorization_code", "refresh_token"],
      redirect_uris: [REDIRECT_URI],
      response_types: ["code"],
      scope: "openid offline_access read write",
    },
  ],
  clientDefaults: { id_token_signed_response_alg: alg }, // the default, RS256, needs a key that may not be there
  scopes: ["openid", "offline_access", "read", "write"],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg, kid: "bench" }] },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
    ...(mode === alg ? JWT : { resourceIndicators: { enabled: false } }),
  },
  pkce: { required: () => false },
  cookies: { keys: ["a key of the bench's peer"] },
  interactions: { url: (_: unknown, interaction: { readonly uid: string }) => `/interaction/${interaction.uid}` },
  findAccount: (_: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { ClientCredentials: 3600 },
  // By default tokens are kept in an LRU of a thousand entries. That suits the rows that issue; where many must live it has a Map.
  ...(mode === "introspection" || mode === "flow" ? { adapter: mapAdapter() } : {}),
});
const callback = provider.callback();

const server = createServer((request, response) => {
  if (request.url?.startsWith("/interaction/") === true) finishInteraction(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  else callback(request, response);
});
server.listen(0, "127.0.0.1", () => console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.on("SIGTERM", () => process.exit(0));

/** Login and consent in one, without a page: the least that an app in its process must do. */
async function finishInteraction(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const accountId = `subject-${Math.floor(Math.random() * 1e9)}`;
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
  grant.addOIDCScope(params.scope);
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId: await grant.save() } });
}

/** What the peer's adapter must do for these grants, over a Map without bounds. */
function mapAdapter() {
  const rows = new Map<string, Record<string, unknown>>();
  const byUid = new Map<unknown, string>();
  return (name: string) => ({
    upsert: async (id: string, payload: Record<string, unknown>) => {
      rows.set(`${name}:${id}`, payload);
      if (payload.uid !== undefined) byUid.set(payload.uid, id);
    },
    find: async (id: string) => rows.get(`${name}:${id}`),
    findByUid: async (uid: string) => rows.get(`${name}:${byUid.get(uid)}`),
    destroy: async (id: string) => void rows.delete(`${name}:${id}`),
    consume: async (id: string) => void Object.assign(rows.get(`${name}:${id}`) ?? {}, { consumed: Math.floor(Date.now() / 1000) }),
  });
}
