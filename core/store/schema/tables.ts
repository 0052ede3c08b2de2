import { bytes, document, integer, nullable, type Table, text } from "./kit.ts";

/** Largest sizes of identifiers in bytes. What is longer is refused where it comes in, and found by no look-up. */
export const LIMITS = { client_id: 255, subject: 255, set_name: 255, kid: 255, owner: 255, client_name: 255 } as const;

/**
 * All tables. The small issuer id leads every key, a time-ordered id follows, so that neighbours in time are neighbours on
 * disk. Columns are for what is searched or decided atomically; the rest is in `document`, a `writ.store.v1` message.
 * Times are epoch milliseconds. Epochs: an absent row means 0; a row once bumped is never deleted, only emptied.
 */
export const TABLES: readonly Table[] = [
  {
    name: "clients",
    columns: {
      issuer: integer(),
      client_id: text(LIMITS.client_id),
      incarnation: bytes(8),
      token_epoch: integer(),
      owner: text(LIMITS.owner),
      client_name: text(LIMITS.client_name),
      row_version: integer(),
      document: document(),
    },
    primaryKey: ["issuer", "client_id"],
    indexes: {},
  },
  {
    name: "subjects",
    columns: { issuer: integer(), subject: text(LIMITS.subject), grant_epoch: integer(), session_epoch: integer() },
    primaryKey: ["issuer", "subject"],
    indexes: {},
  },
  {
    name: "jwks",
    columns: {
      issuer: integer(),
      set_name: text(LIMITS.set_name),
      kid: text(LIMITS.kid),
      seal_key_id: nullable(bytes(4)),
      created_at: integer(),
      activates_at: integer(),
      document: document(),
    },
    primaryKey: ["issuer", "set_name", "kid"],
    indexes: {},
  },
  {
    // Which key was the first of a set for its algorithm: of several makers one gets the row.
    name: "jwk_claims",
    columns: { issuer: integer(), set_name: text(LIMITS.set_name), alg: text(32), kid: text(LIMITS.kid) },
    primaryKey: ["issuer", "set_name", "alg"],
    indexes: {},
  },
  {
    name: "revocation_events",
    columns: { issuer: integer(), at: integer(), id: bytes(16), document: document() },
    primaryKey: ["issuer", "at", "id"],
    indexes: {},
  },
  {
    name: "revocation_horizons",
    columns: { issuer: integer(), at: integer() },
    primaryKey: ["issuer"],
    indexes: {},
  },
  {
    name: "revoked_tokens",
    columns: { issuer: integer(), token_id: bytes(16), expires_at: integer() },
    primaryKey: ["issuer", "token_id"],
    indexes: { revoked_tokens_expires_at: ["issuer", "expires_at"] },
  },
  {
    name: "assertion_jtis",
    columns: { issuer: integer(), jti_hash: bytes(32), attempt: bytes(16), expires_at: integer() },
    primaryKey: ["issuer", "jti_hash"],
    indexes: { assertion_jtis_expires_at: ["issuer", "expires_at"] },
  },
  {
    name: "grants",
    columns: {
      issuer: integer(),
      id: bytes(16),
      birth: bytes(8),
      state: text(16),
      client_id: text(LIMITS.client_id),
      client_incarnation: bytes(8),
      subject: text(LIMITS.subject),
      session_id: nullable(bytes(16)),
      decision: bytes(16),
      grant_epoch: integer(),
      session_epoch: integer(),
      consent_epoch: integer(),
      generation: integer(),
      superseded_at: nullable(bytes(256)),
      attempt: nullable(bytes(16)),
      created_at: integer(),
      expires_at: integer(),
      row_version: integer(),
      document: document(),
    },
    primaryKey: ["issuer", "id"],
    indexes: {
      grants_subject: ["issuer", "subject", "client_id"],
      grants_client: ["issuer", "client_id"],
      grants_expires_at: ["issuer", "expires_at"],
    },
  },
  {
    name: "consents",
    columns: {
      issuer: integer(),
      subject: text(LIMITS.subject),
      client_id: text(LIMITS.client_id),
      client_incarnation: nullable(bytes(8)),
      epoch: integer(),
      grant_epoch: integer(),
      source_grant_id: nullable(bytes(16)),
      expires_at: nullable(integer()),
      row_version: integer(),
      document: nullable(document()),
    },
    primaryKey: ["issuer", "subject", "client_id"],
    indexes: { consents_source_grant: ["issuer", "source_grant_id"] },
  },
  {
    name: "sessions",
    columns: {
      issuer: integer(),
      id: bytes(16),
      birth: bytes(8),
      subject: text(LIMITS.subject),
      session_epoch: integer(),
      authenticated_at: integer(),
      remember: integer(),
      expires_at: integer(),
      row_version: integer(),
      document: document(),
    },
    primaryKey: ["issuer", "id"],
    indexes: { sessions_subject: ["issuer", "subject"], sessions_expires_at: ["issuer", "expires_at"] },
  },
  {
    name: "session_clients",
    columns: { issuer: integer(), session_id: bytes(16), client_id: text(LIMITS.client_id), client_incarnation: bytes(8) },
    primaryKey: ["issuer", "session_id", "client_id"],
    indexes: {},
  },
  {
    name: "decisions",
    columns: { issuer: integer(), id: bytes(16), expires_at: integer(), document: document() },
    primaryKey: ["issuer", "id"],
    indexes: { decisions_expires_at: ["issuer", "expires_at"] },
  },
];
