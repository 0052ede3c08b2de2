import { isDeepStrictEqual } from "node:util";
import { clone } from "@bufbuild/protobuf";
import { type Client, ClientSchema } from "#gen/writ/admin/v1/client_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { parseScope } from "#lib/scope.ts";
import { canonicalResponseType, RESPONSE_TYPES } from "../authorize/response-types.ts";
import type { ClientSettings } from "../settings.ts";
import { GRANT_TYPES } from "../token/exchange.ts";
import { AUTH_METHODS } from "./authenticate.ts";
import { invalid } from "./invalid.ts";
import { requireSafeRedirectUri } from "./uris.ts";

/** Members that are the operator's to set: they say what the client may do to others. */
const OPERATORS = ["audience", "introspectionAudience", "owner", "metadata", "accessTokenStrategy", "skipConsent", "skipLogoutConsent", "lifespans"] as const;
/** Grant types that the token endpoint never sees. */
const FRONT_CHANNEL = ["implicit"];
/** Grant types by which no person is asked what the client may do. */
const UNASKED = new Set(["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange"]);

/**
 * What a client says of itself, as far as it may: with defaults where they depend on one another, and what is the operator's
 * to say as it was before. `before` undefined: it is new.
 * @throws OAuthError invalid_client_metadata or invalid_redirect_uri naming the member
 * @see RFC 7591 §2, §2.1, OIDC Registration §2
 */
export function readDynamicClient(settings: ClientSettings, sent: Client, before: Client | undefined): Client {
  const client = clone(ClientSchema, sent);
  client.clientSecret = "";
  keepOperators(client, before);
  settleTypes(client); // RFC 7591 §2.1
  const allowed = [...(settings.registration.grantTypes ?? client.grantTypes), ...(before?.grantTypes ?? [])];
  const refused = client.grantTypes.find((each) => !allowed.includes(each));
  if (refused !== undefined) throw invalid("grant_types", `holds '${refused.slice(0, 100)}', which clients may not register for`);
  requireNoWiderScope(settings, client, before);
  const { tokenEndpointAuthMethod: method } = client;
  if (method !== "" && !Object.hasOwn(AUTH_METHODS, method)) throw invalid("token_endpoint_auth_method", `must be one of ${Object.keys(AUTH_METHODS).join(", ")}`);
  requireRedirectUris(client);
  return client;
}

function keepOperators(client: Client, before: Client | undefined): void {
  for (const member of OPERATORS) {
    const [value, kept] = [valueOf(client, member), before === undefined ? undefined : valueOf(before, member)];
    // What was read may be sent back (RFC 7592 §2.2).
    if (value !== undefined && !isDeepStrictEqual(value, kept)) throw invalid(ClientSchema.field[member].name, "may only be set by the operator");
    if (before !== undefined) Object.assign(client, { [member]: before[member] });
  }
}

/** Undefined: it says nothing. */
function valueOf(client: Client, member: (typeof OPERATORS)[number]): unknown {
  const value = client[member];
  if (value === undefined || value === "" || value === false || value === true) return value || undefined;
  if (member !== "lifespans") return Object.keys(value).length === 0 ? undefined : value;
  const set = Object.entries(value).filter(([name, each]) => !name.startsWith("$") && each !== undefined && each !== "");
  return set.length === 0 ? undefined : Object.fromEntries(set);
}

/** Each response type needs its grant types, and a grant type of the front channel a response type (RFC 7591 §2.1). */
function settleTypes(client: Client): void {
  const sent = client.responseTypes.map(canonicalResponseType);
  const known = (each: string): readonly string[] => (Object.hasOwn(RESPONSE_TYPES, each) ? (RESPONSE_TYPES[each]?.grantTypes ?? []) : []);
  const unknown = sent.find((each) => known(each).length === 0);
  if (unknown !== undefined) throw invalid("response_types", `holds '${unknown.slice(0, 50)}', which is not supported`);
  const needed = (types: readonly string[]): string[] => [...new Set(types.flatMap(known))];
  client.grantTypes = client.grantTypes.length > 0 ? [...new Set(client.grantTypes)] : sent.length > 0 ? needed(sent) : ["authorization_code"];
  client.responseTypes = sent.length > 0 ? [...new Set(sent)] : client.grantTypes.includes("authorization_code") ? ["code"] : [];
  const served = [...Object.keys(GRANT_TYPES), ...FRONT_CHANNEL.filter((each) => needed(Object.keys(RESPONSE_TYPES)).includes(each))];
  const strange = client.grantTypes.find((each) => !served.includes(each));
  if (strange !== undefined) throw invalid("grant_types", `holds '${strange.slice(0, 100)}', which is not supported`);
  const lacking = needed(client.responseTypes).find((each) => !client.grantTypes.includes(each));
  if (lacking !== undefined) throw invalid("grant_types", `lacks '${lacking}', which response_types needs (RFC 7591 §2.1)`);
  const idle = ["authorization_code", ...FRONT_CHANNEL].find((each) => client.grantTypes.includes(each) && !needed(client.responseTypes).includes(each));
  if (idle !== undefined) throw invalid("response_types", `holds none that the grant type '${idle}' answers (RFC 7591 §2.1)`);
}

/** Whose tokens no person agrees to could otherwise give itself any scope. */
function requireNoWiderScope({ defaultScope }: ClientSettings, { grantTypes, scope, skipConsent }: Client, before: Client | undefined): void {
  if (before === undefined || (skipConsent !== true && !grantTypes.some((each) => UNASKED.has(each)))) return;
  const had = before.scope.split(" ");
  const wider = parseScope(scope || defaultScope)?.find((name) => !had.includes(name));
  if (wider !== undefined) throw invalid("scope", `holds '${wider.slice(0, 50)}', which only the operator may add to a client that nobody is asked about`);
}

function requireRedirectUris({ redirectUris, responseTypes, applicationType }: Client): void {
  if (responseTypes.length > 0 && redirectUris.length === 0) throw new OAuthError("invalid_redirect_uri", "'redirect_uris' is missing (RFC 7591 §2)");
  const takesTokens = responseTypes.some((each) => /token/.test(each));
  for (const uri of redirectUris) requireSafeRedirectUri(uri, { isWeb: applicationType === "web", isNative: applicationType === "native", takesTokens });
}
