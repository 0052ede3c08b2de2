// The peer: oidc-provider, set up for the same requests. `node bench/peer.ts opaque|jwt|introspection`.
import { generateKeyPairSync } from "node:crypto";
import type { AddressInfo } from "node:net";
import { CLIENT_ID, CLIENT_SECRET } from "./client.ts";

process.env.NODE_ENV = "production"; // koa and debug read it when they are loaded
const mode = process.argv[2] ?? "opaque";
// @ts-expect-error: the package has no types
const { default: Provider } = (await import("oidc-provider")) as { readonly default: new (issuer: string, configuration: object) => Peer };

interface Peer {
  listen(port: number, host: string, listening: () => void): { address(): AddressInfo | string | null };
}

const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const JWT = {
  // The only way there to a JWT access token is a resource server of its own, here one that every request gets.
  resourceIndicators: {
    enabled: true,
    defaultResource: () => "https://api.example.com",
    getResourceServerInfo: () => ({ scope: "read write", audience: "https://api.example.com", accessTokenTTL: 3600, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } }),
  },
};

const provider = new Provider("https://auth.example.com", {
  clients: [{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, grant_types: ["client_credentials"], redirect_uris: [], response_types: [], scope: "read write" }],
  clientDefaults: { id_token_signed_response_alg: "ES256" }, // the default, RS256, needs a key that is not there
  scopes: ["read", "write"],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: "ES256", kid: "bench" }] },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
    ...(mode === "jwt" ? JWT : { resourceIndicators: { enabled: false } }),
  },
  ttl: { ClientCredentials: 3600 },
  // By default tokens are kept in an LRU of a thousand entries. That suits the rows that issue; introspection of many tokens needs all of them.
  ...(mode === "introspection" ? { adapter: mapAdapter() } : {}),
});
const server = provider.listen(0, "127.0.0.1", () => console.log(`ready http://127.0.0.1:${(server.address() as AddressInfo).port}`));
process.on("SIGTERM", () => process.exit(0));

/** What the peer's adapter must do for this one grant, over a Map without bounds. */
function mapAdapter() {
  const rows = new Map<string, object>();
  return (name: string) => ({
    upsert: async (id: string, payload: object) => void rows.set(`${name}:${id}`, payload),
    find: async (id: string) => rows.get(`${name}:${id}`),
    destroy: async (id: string) => void rows.delete(`${name}:${id}`),
  });
}
