import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Client } from "#gen/writ/admin/v1/client_pb.ts";
import { OAuthError } from "#lib/errors.ts";
import { isSignatureAlg } from "#lib/signature-algs.ts";
import type { EpochMillis } from "#lib/time.ts";
import { isSignedByClient } from "../client/client-keys.ts";
import type { Deps } from "../deps.ts";
import { readJwt, type UnverifiedJwt } from "../jwt/read-jwt.ts";
import { audienceOf, faultOfTimes } from "../jwt/times.ts";
import type { StoredClient } from "../model/client.ts";
import { documentOf } from "../outbound/outbound.ts";
import { type ParameterMap, single } from "./parameters.ts";
import { canonicalResponseType } from "./response-types.ts";

/** What reading request objects needs. */
export type RequestObjectDeps = Pick<Deps, "settings" | "outbound" | "remoteKeys" | "log">;

/** RFC 9101 §5: longest `request_uri`. */
const MAX_REQUEST_URI = 512;
/** Largest document at a `request_uri` in bytes. */
const MAX_DOCUMENT = 20_480;
const JAR = "oauth-authz-req+jwt";
/** What else the same key signed is no request (RFC 8725 §3.11). */
const TYPES: ReadonlySet<string> = new Set(["", "jwt", JAR]);
/** Claims about the object, and none of the request's parameters (RFC 9101 §4). */
const ABOUT_THE_OBJECT: ReadonlySet<string> = new Set(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]);
/** Parameters that may come more than once (RFC 8707 §2; Hydra's `audience`): as lists. */
const LISTS: ReadonlySet<string> = new Set(["audience", "resource"]);

/**
 * The parameters of a request, those in its request object included; without one as they are. What is in the object goes
 * before what stands beside it (OIDC Core §6.1); where the object is one of RFC 9101, or the request none of OpenID Connect,
 * what stands beside it does not count at all (RFC 9101 §6.3). An object is never ignored.
 * @throws OAuthError invalid_request_object, invalid_request_uri or invalid_request
 * @see OIDC Core §6, RFC 9101 §6
 */
export async function resolveRequestObject(deps: RequestObjectDeps, client: StoredClient, parameters: ParameterMap, now: EpochMillis): Promise<ParameterMap> {
  if (!parameters.has("request") && !parameters.has("request_uri")) return parameters;
  const [request, requestUri] = [single(parameters, "request"), single(parameters, "request_uri")];
  if (request !== "" && requestUri !== "") throw new OAuthError("invalid_request", "'request' and 'request_uri' may not be sent together"); // RFC 9101 §5
  const jwt = readJwt(request || (await fetchObject(deps, client.record.client, requestUri)));
  if (jwt === undefined) throw invalid("it is no JWT that can be read"); // RFC 9101 §6.1: nor an encrypted one
  await requireSignature(deps, client, jwt, now); // §6.2
  const isJar = jwt.typ === JAR || !isOpenid(parameters);
  requireClaims(deps, client.record.client, jwt.claims, isJar, now); // §4
  if (!isJar) requireSameResponseType(parameters, jwt.claims);
  const clientId: readonly [string, readonly string[]] = ["client_id", [client.record.client.clientId]];
  return new Map([...(isJar ? [] : outside(parameters)), ...toParameters(jwt.claims), clientId]); // §6.3
}

/** OIDC Core §6.2: only a URI that the client registered is gone to. Its fragment tells versions apart and is no part of where to go. */
async function fetchObject({ outbound, log }: RequestObjectDeps, { requestUris, clientId }: Client, uri: string): Promise<string> {
  const refuse = (why: string): OAuthError => new OAuthError("invalid_request_uri", `'request_uri' ${why}`);
  if (uri.length > MAX_REQUEST_URI) throw refuse(`has more than ${MAX_REQUEST_URI} characters`);
  if (!requestUris.some((each) => withoutFragment(each) === withoutFragment(uri))) throw refuse("is none of those that the client has registered");
  const got = documentOf(await outbound.get(withoutFragment(uri), { accept: `application/${JAR}, application/jwt`, maxBytes: MAX_DOCUMENT }));
  if (got.kind === "document") return Buffer.from(got.body).toString().trim();
  log.info("outbound_failed", { for: "request_uri", client_id: clientId, reason: got.reason });
  throw refuse("could not be read");
}

/** RFC 9101 §6.2, OIDC Registration §2 (request_object_signing_alg): the client decides which algorithm, and unsigned only where it said so. */
async function requireSignature(deps: RequestObjectDeps, client: StoredClient, jwt: UnverifiedJwt, now: EpochMillis): Promise<void> {
  const { requestObjectSigningAlg: registered } = client.record.client;
  if (!TYPES.has(jwt.typ)) throw invalid("its 'typ' says that it is something else");
  if (registered !== "" && jwt.alg !== registered) throw invalid(`it is not signed by ${registered}, which the client is registered for`);
  if (jwt.alg === "none") {
    if (registered === "none" || deps.settings.compatHydra) return;
    throw invalid("it is not signed, and the client is not registered for that");
  }
  if (!isSignatureAlg(jwt.alg)) throw invalid("it is signed by an algorithm that this server does not support");
  if (!(await isSignedByClient(deps, client, jwt, jwt.alg, now))) throw invalid("no key of the client verifies its signature");
}

function requireClaims({ settings }: RequestObjectDeps, { clientId }: Client, claims: JsonObject, isJar: boolean, now: EpochMillis): void {
  const { iss, sub, aud, client_id: inside } = claims;
  if ("request" in claims || "request_uri" in claims) throw invalid("it holds 'request' or 'request_uri' itself"); // RFC 9101 §4
  if (iss !== undefined && iss !== clientId) throw invalid("its 'iss' is not the client");
  if (aud !== undefined && audienceOf(claims)?.includes(settings.issuerUrl) !== true) throw invalid("its 'aud' does not name this server");
  if (sub === clientId) throw invalid("its 'sub' is the client: so it could pass for a client assertion"); // RFC 9101 §10.8
  if (inside === undefined ? isJar : inside !== clientId) throw invalid("its 'client_id' is not that of the request"); // RFC 9101 §6.3
  const fault = faultOfTimes(claims, { expRequired: false, maxLifetime: Number.POSITIVE_INFINITY }, now);
  if (fault !== undefined) throw invalid(fault);
}

/** OIDC Core §6.1: `response_type` stands beside the object, and inside it is the same. */
function requireSameResponseType(parameters: ParameterMap, claims: JsonObject): void {
  const beside = single(parameters, "response_type");
  if (beside === "") throw new OAuthError("invalid_request", "'response_type' is missing beside the request object");
  const inside = claims.response_type ?? beside;
  if (typeof inside !== "string" || canonicalResponseType(inside) !== canonicalResponseType(beside)) throw invalid("its 'response_type' is not that of the request");
}

function isOpenid(parameters: ParameterMap): boolean {
  return (parameters.get("scope") ?? []).some((scope) => scope.split(" ").includes("openid"));
}

function outside(parameters: ParameterMap): readonly (readonly [string, readonly string[]])[] {
  return [...parameters].filter(([name]) => name !== "request" && name !== "request_uri");
}

/** Numbers and structures travel as JSON in the object and as text in a query (RFC 9101 §4, OIDC Core §6.1). */
function toParameters(claims: JsonObject): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(claims).flatMap(([name, value]): [string, readonly string[]][] => {
    const values = (LISTS.has(name) && Array.isArray(value) ? value : [value]).map((each) => textOf(name, each)).filter((text) => text !== ""); // RFC 6749 §3.1
    return ABOUT_THE_OBJECT.has(name) || values.length === 0 ? [] : [[name, values]];
  });
}

function textOf(name: string, value: JsonValue | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value);
  } catch (cause) {
    if (cause instanceof RangeError) throw invalid(`'${name.slice(0, 50)}' nests too deeply`); // JSON is read to any depth, and not written
    throw cause;
  }
}

function withoutFragment(uri: string): string {
  return uri.split("#", 1)[0] ?? "";
}

function invalid(why: string): OAuthError {
  return new OAuthError("invalid_request_object", `The request object is refused: ${why}`);
}
