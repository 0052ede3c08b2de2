import { createHmac, hash } from "node:crypto";
import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { addParts } from "#lib/hash.ts";
import type { Settings } from "../settings.ts";
import { sectorOf } from "./sector.ts";

/**
 * `sub` by which a pairwise client knows a subject: the one that the login app wants, or one that nobody computes without the
 * salt. Empty: the client is not pairwise, and knows the subject itself. 43 characters; under `compat: hydra` Hydra's 64.
 * @throws OAuthError invalid_request when there are no pairwise identifiers any more
 * @see OIDC Core §8.1
 */
export function obfuscatedSubject({ clients, compatHydra }: Pick<Settings, "clients" | "compatHydra">, client: Client, subject: string, forced: string): string {
  if (client.subjectType !== "pairwise") return "";
  const { pairwiseSalt: salt, subjectTypes } = clients;
  if (salt === undefined || !subjectTypes.includes("pairwise"))
    throw new OAuthError("invalid_request", "The client asks for pairwise subjects, which this server does not give any more");
  if (forced !== "") return forced;
  if (compatHydra) return hash("sha256", hydraSector(client) + subject + salt, "hex");
  const hmac = createHmac("sha256", salt);
  addParts(hmac, [sectorOf(client), subject]);
  return hmac.digest("base64url");
}

/** `sub` by which a client knows a subject, pairwise or not. @throws OAuthError as `obfuscatedSubject` */
export function subjectFor(settings: Pick<Settings, "clients" | "compatHydra">, client: Client, subject: string, forced: string): string {
  return obfuscatedSubject(settings, client, subject, forced) || subject;
}

/** hydra.md §7.5: the URI whole, or host and port. */
function hydraSector({ sectorIdentifierUri, redirectUris }: Client): string {
  return sectorIdentifierUri || (URL.parse(redirectUris[0] ?? "")?.host ?? "");
}
