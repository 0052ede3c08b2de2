import type { Paths } from "./admin-paths.ts";
import type { Schema } from "./schemas.ts";

const string: Schema = { type: "string" };
const CLIENT: Readonly<Record<string, Schema>> = { client_id: string, client_secret: string };
/** Parameters of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OIDC Core §3.1.2.1). */
const AUTHORIZATION =
  "client_id response_type redirect_uri response_mode scope audience state nonce code_challenge code_challenge_method prompt max_age id_token_hint login_hint acr_values ui_locales display".split(
    " ",
  );
/** Parameters of a logout request (OIDC RP-Initiated Logout §2). */
const LOGOUT = "id_token_hint logout_hint client_id post_logout_redirect_uri state ui_locales".split(" ");
const USERINFO: Schema = { type: "object", required: ["sub"], properties: { sub: string }, additionalProperties: true };
/** RFC 8628 §3.2. */
const DEVICE_ANSWER: Schema = {
  type: "object",
  required: ["device_code", "user_code", "verification_uri", "expires_in"],
  properties: {
    device_code: string,
    user_code: string,
    verification_uri: string,
    verification_uri_complete: string,
    expires_in: { type: "integer", description: "Seconds." },
    interval: { type: "integer", description: "Seconds." },
  },
};
const OAUTH_ERROR = { $ref: "#/components/responses/OAuthError" };
const CLIENT_SECURITY = [{ basic: [] }, {}];

/**
 * The public endpoints. They are the specifications' and not the contract's, so they are written down here; `refTo` names a
 * schema that the admin API has already.
 */
export function publicPaths(introspection: Schema, client: Schema): Paths {
  return {
    ...registrationPaths(client),
    "/oauth2/auth": {
      get: {
        operationId: "oAuth2Authorize",
        tags: ["OAuth"],
        summary: "Authorization endpoint (RFC 6749 §3.1). For browsers; a form may be posted too.",
        parameters: AUTHORIZATION.map((name) => ({ name, in: "query", required: name === "client_id" || name === "response_type", schema: string })),
        responses: {
          "200": { description: "A page that posts the answer to the client (`response_mode=form_post`)." },
          "302": { description: "On to the login or the consent app." },
          "303": { description: "Back to the client, with a code or an error." },
          "400": { description: "A page: no client may be told of the error." },
        },
      },
    },
    "/oauth2/sessions/logout": {
      get: {
        operationId: "revokeOidcSession",
        tags: ["OAuth"],
        summary: "End session endpoint (OIDC RP-Initiated Logout §2). For browsers; a form may be posted too.",
        parameters: LOGOUT.map((name) => ({ name, in: "query", required: false, schema: string })),
        responses: {
          "200": { description: "A page that tells clients by their frames, and goes on by itself (OIDC Front-Channel Logout §3)." },
          "302": { description: "On to the logout app, or to the page that asks." },
          "303": { description: "Back to the client, or to where logouts end." },
          "400": { description: "A page: the request is wrong." },
        },
      },
    },
    "/userinfo": {
      get: {
        operationId: "getOidcUserInfo",
        tags: ["OAuth"],
        summary: "Claims about the subject of an access token (OIDC Core §5.3). By POST too.",
        security: [{ bearer: [] }],
        responses: {
          "200": {
            description: "JSON, or a JWT where the client registered for it.",
            content: { "application/json": { schema: USERINFO }, "application/jwt": { schema: string } },
          },
          default: OAUTH_ERROR,
        },
      },
    },
    "/oauth2/token": {
      post: form(
        "oauth2TokenExchange",
        "Token endpoint (RFC 6749 §3.2).",
        ["grant_type"],
        {
          grant_type: string,
          scope: string,
          audience: { type: "array", items: string },
          code: string,
          redirect_uri: string,
          code_verifier: string,
          refresh_token: string,
          device_code: string,
          ...CLIENT,
        },
        { $ref: "#/components/schemas/TokenAnswer" },
      ),
    },
    "/oauth2/device/auth": {
      post: form("oAuth2DeviceFlow", "Device authorization endpoint (RFC 8628 §3.1).", [], { scope: string, audience: { type: "array", items: string }, ...CLIENT }, DEVICE_ANSWER),
    },
    "/oauth2/device/verify": {
      get: {
        operationId: "performOAuth2DeviceVerificationFlow",
        tags: ["OAuth"],
        summary: "Verification URI (RFC 8628 §3.3). For browsers.",
        parameters: [{ name: "user_code", in: "query", required: false, schema: string }],
        responses: {
          "302": { description: "On to the device, the login or the consent app, or to the page that says that it worked." },
          "400": { description: "A page: it cannot go on." },
        },
      },
    },
    "/oauth2/introspect": {
      post: form(
        "introspectOAuth2TokenAsClient",
        "Introspection endpoint for resource servers (RFC 7662 §2).",
        ["token"],
        { token: string, token_type_hint: string, ...CLIENT },
        introspection,
      ),
    },
    "/oauth2/revoke": { post: form("revokeOAuth2Token", "Revocation endpoint (RFC 7009 §2).", ["token"], { token: string, token_type_hint: string, ...CLIENT }, undefined) },
    "/.well-known/openid-configuration": { get: document("discoverOidcConfiguration", "Server metadata (OIDC Discovery §4).") },
    "/.well-known/oauth-authorization-server": { get: document("discoverOAuth2Configuration", "Server metadata (RFC 8414 §3).") },
    "/.well-known/jwks.json": { get: document("discoverJsonWebKeys", "Public keys (RFC 7517 §5).") },
  };
}

/** Dynamic client registration (RFC 7591, RFC 7592). Under Hydra's operation ids. */
function registrationPaths(client: Schema): Paths {
  const metadata = { "application/json": { schema: client } };
  const operation = (operationId: string, summary: string, status: string, body: boolean, path: boolean): Schema => ({
    operationId,
    tags: ["OAuth"],
    summary,
    security: path ? [{ bearer: [] }] : [{ bearer: [] }, {}],
    ...(path ? { parameters: [{ name: "id", in: "path", required: true, schema: string }] } : {}),
    ...(body ? { requestBody: { required: true, content: metadata } } : {}),
    responses: { [status]: { description: "Done.", ...(status === "204" ? {} : { content: metadata }) }, default: OAUTH_ERROR },
  });
  return {
    "/oauth2/register": { post: operation("createOidcDynamicClient", "Client registration endpoint (RFC 7591 §3).", "201", true, false) },
    "/oauth2/register/{id}": {
      get: operation("getOidcDynamicClient", "Client configuration endpoint (RFC 7592 §2.1).", "200", false, true),
      put: operation("setOidcDynamicClient", "Client configuration endpoint (RFC 7592 §2.2). The registration access token changes.", "200", true, true),
      delete: operation("deleteOidcDynamicClient", "Client configuration endpoint (RFC 7592 §2.3).", "204", false, true),
    },
  };
}

/** What both ports have beside the contract. */
export function healthPaths(): Paths {
  const status = { type: "object", properties: { status: string }, required: ["status"] };
  const health = (operationId: string, summary: string, more: Schema): Schema => ({
    operationId,
    tags: ["Metadata"],
    summary,
    responses: { "200": { description: "Yes.", content: { "application/json": { schema: status } } }, ...more },
  });
  return {
    "/health/alive": { get: health("isAlive", "Whether the process runs. On both ports.", {}) },
    "/health/ready": {
      get: health("isReady", "Whether requests can be served: core answers, and so does its database. On both ports.", { "503": { $ref: "#/components/responses/Error" } }),
    },
  };
}

/** Schemas and answers that only the public endpoints refer to. */
export const TOKEN_ANSWER: Schema = {
  type: "object",
  description: "A token answer (RFC 6749 §5.1).",
  required: ["access_token", "token_type"],
  properties: { access_token: string, token_type: string, expires_in: { type: "integer", description: "Seconds." }, scope: string, refresh_token: string, id_token: string },
};

function form(operationId: string, summary: string, required: readonly string[], properties: Readonly<Record<string, Schema>>, answer: Schema | undefined): Schema {
  return {
    operationId,
    tags: ["OAuth"],
    summary,
    security: CLIENT_SECURITY,
    requestBody: { required: true, content: { "application/x-www-form-urlencoded": { schema: { type: "object", required, properties } } } },
    responses: { "200": { description: "Success.", ...(answer === undefined ? {} : { content: { "application/json": { schema: answer } } }) }, default: OAUTH_ERROR },
  };
}

function document(operationId: string, summary: string): Schema {
  return {
    operationId,
    tags: ["OAuth"],
    summary,
    responses: { "200": { description: "The document.", content: { "application/json": { schema: { type: "object", additionalProperties: true } } } }, default: OAUTH_ERROR },
  };
}
