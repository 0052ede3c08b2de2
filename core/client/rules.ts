import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import { formatDuration, LONGEST_LIFESPAN, parseDuration } from "#lib/duration.ts";
import { parseScope } from "#lib/scope.ts";
import { SECRET_ALGS, SIGNATURE_ALGS } from "#lib/signature-algs.ts";
import type { ClientSettings } from "../settings.ts";
import { bringsJwks, requireKeyFor, requirePublicJwks } from "./client-jwks.ts";
import { requireEncryption } from "./encryption.ts";
import { invalid } from "./invalid.ts";
import { requireSector } from "./sector.ts";
import { requireHttpsUrl, requireHttpUrl, requireOrigin, requirePostLogoutRedirectUri, requireRedirectUri, requireSamePlace } from "./uris.ts";

const MAX_REQUEST_URI = 512;

/** One rule on a client's metadata: throws OAuthError naming the member that breaks it. Never changes the client. */
export type Rule = (client: Client, settings: ClientSettings) => void;

/** All rules, in the order of the members in RFC 7591 §2 and then of OpenID Connect's and Hydra's. Sizes: limits.ts. */
export const RULES: readonly Rule[] = [
  ({ clientId }) => {
    // HTTP clients resolve dots in a path before they send it: such a client could be made and never be addressed.
    if (clientId === "" || clientId === "." || clientId === ".." || /[^\x20-\x7e]/.test(clientId))
      throw invalid("client_id", "must have printable ASCII characters only (RFC 6749 App. A.1) and be neither '.' nor '..'");
  },
  ({ redirectUris }) => {
    for (const uri of redirectUris) requireRedirectUri("redirect_uris", uri);
  },
  ({ scope }) => {
    if (parseScope(scope) === undefined) throw invalid("scope", "holds a character that no scope may have (RFC 6749 §3.3)");
  },
  ({ policyUri, tosUri, clientUri, logoUri }) => {
    requireHttpUrl("policy_uri", policyUri);
    requireHttpUrl("tos_uri", tosUri);
    requireHttpUrl("client_uri", clientUri);
    requireHttpUrl("logo_uri", logoUri);
  },
  ({ allowedCorsOrigins }) => {
    for (const origin of allowedCorsOrigins) requireOrigin("allowed_cors_origins", origin);
  },
  (client, { subjectTypes, allowHttp }) => {
    const { subjectType, sectorIdentifierUri } = client;
    const isSupported = (type: string): boolean => subjectTypes.some((each) => each === type);
    if (subjectType !== "" && !isSupported(subjectType))
      throw invalid("subject_type", `is '${subjectType.slice(0, 30)}', which is not supported: use ${subjectTypes.join(" or ")}`);
    // It says whose subjects a client shares. Stored without having been fetched it would be believed later.
    if (sectorIdentifierUri !== "" && !isSupported("pairwise")) throw invalid("sector_identifier_uri", "is for pairwise subject identifiers, which are not supported");
    (allowHttp ? requireHttpUrl : requireHttpsUrl)("sector_identifier_uri", sectorIdentifierUri); // OIDC Registration §5
    if (subjectType === "pairwise" || (subjectType === "" && !isSupported("public"))) requireSector(client);
  },
  ({ jwks, jwksUri }) => {
    if (jwks !== undefined && bringsJwks(jwks)) {
      if (jwksUri !== "") throw invalid("jwks", "may not be given together with jwks_uri (RFC 7591 §2)");
      requirePublicJwks(jwks);
    }
    requireHttpUrl("jwks_uri", jwksUri);
  },
  ({ tokenEndpointAuthMethod, tokenEndpointAuthSigningAlg, jwks, jwksUri }) => {
    const name = "token_endpoint_auth_signing_alg";
    if (tokenEndpointAuthMethod === "client_secret_jwt") requireAlg(name, tokenEndpointAuthSigningAlg, Object.keys(SECRET_ALGS));
    if (tokenEndpointAuthMethod !== "private_key_jwt") return; // any other is stored as it is; one that is not supported cannot be used
    if (jwksUri === "" && !bringsJwks(jwks)) throw invalid("token_endpoint_auth_method", "private_key_jwt needs jwks or jwks_uri");
    requireAlg(name, tokenEndpointAuthSigningAlg, SIGNATURE_ALGS);
    if (jwksUri === "") requireKeyFor("jwks", jwks, tokenEndpointAuthSigningAlg);
  },
  ({ encryption, jwks, jwksUri }) => {
    if (encryption !== undefined) requireEncryption(encryption, { jwks, jwksUri });
  },
  ({ applicationType, initiateLoginUri }) => {
    if (!["", "web", "native"].includes(applicationType)) throw invalid("application_type", "must be web or native");
    requireHttpsUrl("initiate_login_uri", initiateLoginUri); // OIDC Registration §2
  },
  ({ defaultAcrValues }) => {
    // They travel in one parameter, separated by spaces (OIDC Core §3.1.2.1).
    if (defaultAcrValues.some((each) => /\s/.test(each))) throw invalid("default_acr_values", "holds a space inside an entry");
  },
  ({ requestUris }) => {
    for (const uri of requestUris) {
      requireHttpUrl("request_uris", uri);
      if (uri.length > MAX_REQUEST_URI) throw invalid("request_uris", `holds a URI of more than ${MAX_REQUEST_URI} characters (RFC 9101 §5)`);
    }
  },
  ({ idTokenSignedResponseAlg, userinfoSignedResponseAlg, requestObjectSigningAlg }) => {
    requireAlg("id_token_signed_response_alg", idTokenSignedResponseAlg, SIGNATURE_ALGS);
    requireAlg("userinfo_signed_response_alg", userinfoSignedResponseAlg, ["none", ...SIGNATURE_ALGS]);
    requireAlg("request_object_signing_alg", requestObjectSigningAlg, ["none", ...SIGNATURE_ALGS]);
  },
  ({ frontchannelLogoutUri, backchannelLogoutUri, redirectUris, tokenEndpointAuthMethod }) => {
    for (const [name, uri] of [
      ["frontchannel_logout_uri", frontchannelLogoutUri],
      ["backchannel_logout_uri", backchannelLogoutUri],
    ] as const) {
      requireHttpUrl(name, uri);
      if (uri.includes("#")) throw invalid(name, "has a fragment (OIDC Back-Channel Logout §2.2)");
    }
    if (frontchannelLogoutUri !== "") requireSamePlace("frontchannel_logout_uri", frontchannelLogoutUri, redirectUris); // OIDC Front-Channel Logout §2
    if (tokenEndpointAuthMethod === "none" && /^http:/i.test(backchannelLogoutUri))
      throw invalid("backchannel_logout_uri", "of a public client must be https (OIDC Back-Channel Logout §2.2)");
  },
  ({ postLogoutRedirectUris, redirectUris }) => {
    for (const uri of postLogoutRedirectUris) requirePostLogoutRedirectUri("post_logout_redirect_uris", uri, redirectUris);
  },
  ({ accessTokenStrategy }) => {
    if (!["", "opaque", "jwt"].includes(accessTokenStrategy)) throw invalid("access_token_strategy", "must be opaque or jwt");
  },
];

function requireAlg(name: string, alg: string, known: readonly string[]): void {
  if (alg !== "" && !known.includes(alg)) throw invalid(name, `must be one of ${known.join(", ")}`);
}

/** A lifespan in the form that it is given back: `1h30m0s`. @throws OAuthError naming the member */
export function normalizeLifespan(name: string, value: string): string {
  const milliseconds = value.length > 64 ? undefined : parseDuration(value);
  if (milliseconds === undefined || milliseconds < 1000) throw invalid(name, `is '${value.slice(0, 50)}', which is no duration of a second or more, such as 1h30m`);
  if (milliseconds > LONGEST_LIFESPAN) throw invalid(name, "is longer than 50 years");
  return formatDuration(Math.round(milliseconds));
}
