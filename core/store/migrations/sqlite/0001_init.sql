CREATE TABLE clients (
  issuer INTEGER NOT NULL,
  client_id TEXT NOT NULL,
  incarnation BLOB NOT NULL,
  token_epoch INTEGER NOT NULL,
  owner TEXT NOT NULL,
  client_name TEXT NOT NULL,
  row_version INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subjects (
  issuer INTEGER NOT NULL,
  subject TEXT NOT NULL,
  grant_epoch INTEGER NOT NULL,
  session_epoch INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE jwks (
  issuer INTEGER NOT NULL,
  set_name TEXT NOT NULL,
  kid TEXT NOT NULL,
  seal_key_id BLOB,
  created_at INTEGER NOT NULL,
  activates_at INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, set_name, kid)
) STRICT, WITHOUT ROWID;

CREATE TABLE jwk_claims (
  issuer INTEGER NOT NULL,
  set_name TEXT NOT NULL,
  alg TEXT NOT NULL,
  kid TEXT NOT NULL,
  PRIMARY KEY (issuer, set_name, alg)
) STRICT, WITHOUT ROWID;

CREATE TABLE revocation_events (
  issuer INTEGER NOT NULL,
  at INTEGER NOT NULL,
  id BLOB NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE revocation_horizons (
  issuer INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (issuer)
) STRICT, WITHOUT ROWID;

CREATE TABLE revoked_tokens (
  issuer INTEGER NOT NULL,
  token_id BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, token_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (issuer, expires_at);

CREATE TABLE assertion_jtis (
  issuer INTEGER NOT NULL,
  jti_hash BLOB NOT NULL,
  attempt BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, jti_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX assertion_jtis_expires_at ON assertion_jtis (issuer, expires_at);

CREATE TABLE grants (
  issuer INTEGER NOT NULL,
  id BLOB NOT NULL,
  birth BLOB NOT NULL,
  state TEXT NOT NULL,
  client_id TEXT NOT NULL,
  client_incarnation BLOB NOT NULL,
  subject TEXT NOT NULL,
  session_id BLOB,
  decision BLOB NOT NULL,
  grant_epoch INTEGER NOT NULL,
  session_epoch INTEGER NOT NULL,
  consent_epoch INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  superseded_at BLOB,
  attempt BLOB,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  row_version INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_subject ON grants (issuer, subject, client_id);

CREATE INDEX grants_client ON grants (issuer, client_id);

CREATE INDEX grants_expires_at ON grants (issuer, expires_at);

CREATE TABLE consents (
  issuer INTEGER NOT NULL,
  subject TEXT NOT NULL,
  client_id TEXT NOT NULL,
  client_incarnation BLOB,
  epoch INTEGER NOT NULL,
  grant_epoch INTEGER NOT NULL,
  source_grant_id BLOB,
  expires_at INTEGER,
  row_version INTEGER NOT NULL,
  document BLOB,
  PRIMARY KEY (issuer, subject, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX consents_source_grant ON consents (issuer, source_grant_id);

CREATE TABLE sessions (
  issuer INTEGER NOT NULL,
  id BLOB NOT NULL,
  birth BLOB NOT NULL,
  subject TEXT NOT NULL,
  session_epoch INTEGER NOT NULL,
  authenticated_at INTEGER NOT NULL,
  remember INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  row_version INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_subject ON sessions (issuer, subject);

CREATE INDEX sessions_expires_at ON sessions (issuer, expires_at);

CREATE TABLE session_clients (
  issuer INTEGER NOT NULL,
  session_id BLOB NOT NULL,
  client_id TEXT NOT NULL,
  client_incarnation BLOB NOT NULL,
  PRIMARY KEY (issuer, session_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
  issuer INTEGER NOT NULL,
  id BLOB NOT NULL,
  expires_at INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX decisions_expires_at ON decisions (issuer, expires_at);
