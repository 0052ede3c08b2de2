import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import type { Deps } from "../deps.ts";
import { documentOf } from "../outbound/outbound.ts";
import { invalid } from "./invalid.ts";

/** Hosts that stand for whatever machine the browser runs on: what is there is no one party. */
const LOOPBACK = /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Whose subjects a pairwise client shares: the host of its `sector_identifier_uri`, or that of its redirect URIs. Programs on
 * people's own machines have no host that others could not claim as well, so each is a sector of its own.
 * @see OIDC Core §8.1
 */
export function sectorOf({ clientId, sectorIdentifierUri, redirectUris }: Pick<Client, "clientId" | "sectorIdentifierUri" | "redirectUris">): string {
  const host = sectorIdentifierUri !== "" ? (URL.parse(sectorIdentifierUri)?.hostname ?? "") : hostOf(redirectUris[0] ?? "");
  return host === "" ? ` ${clientId}` : host; // no host begins with a space
}

/** @throws OAuthError invalid_client_metadata when nobody could tell whose subjects it shares (OIDC Core §8.1) */
export function requireSector({ sectorIdentifierUri, redirectUris }: Client): void {
  if (sectorIdentifierUri !== "" || new Set(redirectUris.map(hostOf)).size <= 1) return;
  throw invalid("sector_identifier_uri", "is missing: a client with pairwise subjects whose redirect_uris have several hosts needs it (OIDC Core §8.1)");
}

/**
 * Fetches what is at a client's `sector_identifier_uri`, and refuses a client whose redirect URIs it does not name: who could
 * claim another's sector would know its subjects. What was looked at before is not fetched again.
 * @throws OAuthError invalid_client_metadata
 * @see OIDC Registration §5
 */
export async function requireSectorDocument({ outbound, log }: Pick<Deps, "outbound" | "log">, client: Client, before: Client | undefined): Promise<void> {
  const { sectorIdentifierUri, redirectUris } = client;
  const isKnown = before?.sectorIdentifierUri === sectorIdentifierUri && redirectUris.every((each) => before.redirectUris.includes(each));
  if (sectorIdentifierUri === "" || isKnown) return;
  const got = documentOf(await outbound.get(sectorIdentifierUri, { accept: "application/json" }));
  if (got.kind === "failed") {
    log.warn("outbound_failed", { for: "sector_identifier_uri", host: URL.parse(sectorIdentifierUri)?.host, reason: got.reason });
    throw invalid("sector_identifier_uri", "cannot be fetched");
  }
  const listed = readList(got.body);
  if (listed === undefined) throw invalid("sector_identifier_uri", "leads to no JSON array of redirect URIs");
  const lacking = redirectUris.find((each) => !listed.includes(each));
  if (lacking !== undefined) throw invalid("sector_identifier_uri", `leads to a list without '${lacking.slice(0, 200)}', one of redirect_uris`);
}

function readList(body: Uint8Array): readonly unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(Buffer.from(body).toString());
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

function hostOf(uri: string): string {
  const { protocol, hostname } = URL.parse(uri) ?? { protocol: "", hostname: "" };
  return (protocol === "https:" || protocol === "http:") && !LOOPBACK.test(hostname) ? hostname : "";
}
