import assert from "node:assert/strict";

/** A member's type: `string`, `strings|null`, `time?` where it may be absent. */
export type Shape = Readonly<Record<string, string>>;

const KINDS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  boolean: (value) => typeof value === "boolean",
  integer: (value) => Number.isSafeInteger(value),
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  strings: (value) => Array.isArray(value) && value.every((each) => typeof each === "string"),
  null: (value) => value === null,
  any: () => true,
  time: (value) => typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value),
  uuid: (value) => typeof value === "string" && /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(value),
  hex: (value) => typeof value === "string" && /^[0-9a-f]{32}$/.test(value),
  duration: (value) => typeof value === "string" && /^(\d+h)?(\d+m)?\d+s$/.test(value),
};

/** Fails unless a value has exactly the members of the shape, each of its type. */
export function assertShape(value: unknown, shape: Shape, what: string): void {
  assert.ok(KINDS.object?.(value), `${what} is no object: ${JSON.stringify(value)}`);
  const members = value as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(shape).flatMap(([name, kind]) => {
    const [kinds = "", optional] = [kind.replace("?", ""), kind.endsWith("?")];
    if (!(name in members)) return optional ? [] : [`${name} is missing`];
    return kinds.split("|").some((each) => (KINDS[each] ?? assert.fail(each))(members[name])) ? [] : [`${name} is no ${kinds} but ${JSON.stringify(members[name])}`];
  });
  const strange = Object.keys(members).filter((name) => !(name in shape));
  assert.deepEqual({ wrong, strange }, { wrong: [], strange: [] }, what);
}

/** hydra.md §4.2. */
export const LIFESPANS = [
  "authorization_code_grant_access_token_lifespan",
  "authorization_code_grant_id_token_lifespan",
  "authorization_code_grant_refresh_token_lifespan",
  "client_credentials_grant_access_token_lifespan",
  "implicit_grant_access_token_lifespan",
  "implicit_grant_id_token_lifespan",
  "jwt_bearer_grant_access_token_lifespan",
  "refresh_token_grant_access_token_lifespan",
  "refresh_token_grant_id_token_lifespan",
  "refresh_token_grant_refresh_token_lifespan",
  "device_authorization_grant_access_token_lifespan",
  "device_authorization_grant_id_token_lifespan",
  "device_authorization_grant_refresh_token_lifespan",
] as const;

/** hydra.md §4.1, as reads have it. */
export const CLIENT: Shape = {
  client_id: "string",
  client_name: "string",
  client_secret_expires_at: "integer",
  redirect_uris: "strings",
  grant_types: "strings",
  response_types: "strings",
  scope: "string",
  audience: "strings",
  owner: "string",
  policy_uri: "string",
  tos_uri: "string",
  client_uri: "string",
  logo_uri: "string",
  contacts: "strings",
  allowed_cors_origins: "strings",
  subject_type: "string",
  sector_identifier_uri: "string?",
  jwks: "object",
  jwks_uri: "string?",
  token_endpoint_auth_method: "string",
  token_endpoint_auth_signing_alg: "string?",
  request_uris: "strings?",
  request_object_signing_alg: "string?",
  userinfo_signed_response_alg: "string",
  frontchannel_logout_uri: "string?",
  frontchannel_logout_session_required: "boolean?",
  backchannel_logout_uri: "string?",
  backchannel_logout_session_required: "boolean?",
  post_logout_redirect_uris: "strings?",
  metadata: "object",
  access_token_strategy: "string?",
  skip_consent: "boolean",
  skip_logout_consent: "boolean|null",
  created_at: "time",
  updated_at: "time",
  ...Object.fromEntries(LIFESPANS.map((name) => [name, "duration|null"])),
};

/** The same as the answer to a write has it: lists that were not sent are null. */
export const WRITTEN_CLIENT: Shape = { ...CLIENT, redirect_uris: "strings|null", grant_types: "strings|null", response_types: "strings|null", contacts: "strings|null" };

/** And to the write that made it (hydra.md §3.2). */
export const NEW_CLIENT: Shape = { ...WRITTEN_CLIENT, client_secret: "string?", registration_access_token: "string", registration_client_uri: "string" };

/** hydra.md §3.4. */
export const LOGIN: Shape = {
  challenge: "string",
  requested_scope: "strings",
  requested_access_token_audience: "strings",
  skip: "boolean",
  subject: "string",
  oidc_context: "object",
  client: "object",
  request_url: "string",
  session_id: "string",
};

/** hydra.md §3.5. */
export const CONSENT: Shape = {
  challenge: "string",
  consent_request_id: "hex",
  requested_scope: "strings",
  requested_access_token_audience: "strings",
  skip: "boolean",
  subject: "string",
  oidc_context: "object",
  client: "object",
  request_url: "string",
  login_challenge: "hex",
  login_session_id: "string",
  acr: "string",
  amr: "strings",
  context: "any?",
};

/** hydra.md §3.8. */
export const CONSENT_SESSION: Shape = {
  consent_request_id: "hex",
  consent_request: "object",
  grant_scope: "strings",
  grant_access_token_audience: "strings",
  session: "object",
  remember: "boolean",
  remember_for: "integer",
  handled_at: "time",
  context: "any?",
};

/** hydra.md §3.6. */
export const LOGOUT: Shape = {
  challenge: "string",
  subject: "string",
  sid: "string",
  request_url: "string",
  rp_initiated: "boolean",
  expires_at: "time",
  requested_at: "time",
  client: "object|null",
};

/** hydra.md §3.9. */
export const ACTIVE: Shape = {
  active: "boolean",
  scope: "string?",
  client_id: "string",
  sub: "string",
  obfuscated_subject: "string?",
  exp: "integer",
  iat: "integer",
  nbf: "integer",
  aud: "strings",
  iss: "string",
  token_type: "string",
  token_use: "string",
  ext: "object?",
  jti: "string", // docs/divergences.md: RFC 7662 §2.2
};

/** hydra.md §3.10. */
export const TRUSTED_ISSUER: Shape = {
  id: "uuid",
  issuer: "string",
  subject: "string",
  allow_any_subject: "boolean",
  scope: "strings",
  public_key: "object",
  created_at: "time",
  expires_at: "time",
};

/** hydra.md §2.2. */
export const TOKENS: Shape = { access_token: "string", token_type: "string", expires_in: "integer", scope: "string", refresh_token: "string?", id_token: "string?" };
