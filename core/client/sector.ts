import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import { invalid } from "./invalid.ts";

/** Hosts that stand for whatever machine the browser runs on: what is there is no one party. */
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whose subjects a pairwise client shares: the host of its `sector_identifier_uri`, or that of its redirect URIs. Programs on
 * people's own machines have no host that others could not claim as well, so each is a sector of its own.
 * @see OIDC Core §8.1
 */
export function sectorOf(client: Pick<Client, "clientId" | "sectorIdentifierUri" | "redirectUris">): string {
  const { clientId, sectorIdentifierUri, redirectUris } = client;
  const [first] = redirectUris;
  const host = hostOf(sectorIdentifierUri !== "" ? sectorIdentifierUri : (first ?? ""));
  return host === "" ? ` ${clientId}` : host; // no host begins with a space
}

/** @throws OAuthError invalid_client_metadata when nobody could tell whose subjects it shares (OIDC Core §8.1) */
export function requireSector({ sectorIdentifierUri, redirectUris }: Client): void {
  if (sectorIdentifierUri !== "" || new Set(redirectUris.map(hostOf)).size <= 1) return;
  throw invalid("sector_identifier_uri", "is missing: a client with pairwise subjects whose redirect_uris have several hosts needs it (OIDC Core §8.1)");
}

function hostOf(uri: string): string {
  const { protocol, hostname } = URL.parse(uri) ?? { protocol: "", hostname: "" };
  return (protocol === "https:" || protocol === "http:") && !LOOPBACK.test(hostname) ? hostname : "";
}
