CREATE TABLE clients (
  issuer INTEGER NOT NULL,
  client_id TEXT NOT NULL CHECK (octet_length(client_id) <= 255),
  incarnation BLOB NOT NULL CHECK (octet_length(incarnation) <= 8),
  token_epoch INTEGER NOT NULL,
  owner TEXT NOT NULL CHECK (octet_length(owner) <= 255),
  client_name TEXT NOT NULL CHECK (octet_length(client_name) <= 1024),
  row_version INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX clients_owner ON clients (issuer, owner);

CREATE INDEX clients_name ON clients (issuer, client_name);

CREATE TABLE subjects (
  issuer INTEGER NOT NULL,
  subject TEXT NOT NULL CHECK (octet_length(subject) <= 255),
  grant_epoch INTEGER NOT NULL,
  session_epoch INTEGER NOT NULL,
  PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE jwks (
  issuer INTEGER NOT NULL,
  set_name TEXT NOT NULL CHECK (octet_length(set_name) <= 255),
  kid TEXT NOT NULL CHECK (octet_length(kid) <= 255),
  seal_key_id BLOB CHECK (octet_length(seal_key_id) <= 4),
  created_at INTEGER NOT NULL,
  activates_at INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, set_name, kid)
) STRICT, WITHOUT ROWID;

CREATE TABLE jwk_claims (
  issuer INTEGER NOT NULL,
  set_name TEXT NOT NULL CHECK (octet_length(set_name) <= 255),
  alg TEXT NOT NULL CHECK (octet_length(alg) <= 32),
  kid TEXT NOT NULL CHECK (octet_length(kid) <= 255),
  PRIMARY KEY (issuer, set_name, alg)
) STRICT, WITHOUT ROWID;

CREATE TABLE revocation_events (
  issuer INTEGER NOT NULL,
  at INTEGER NOT NULL,
  id BLOB NOT NULL CHECK (octet_length(id) <= 16),
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
  token_id BLOB NOT NULL CHECK (octet_length(token_id) <= 16),
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, token_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (issuer, expires_at);

CREATE TABLE assertion_jtis (
  issuer INTEGER NOT NULL,
  jti_hash BLOB NOT NULL CHECK (octet_length(jti_hash) <= 32),
  attempt BLOB NOT NULL CHECK (octet_length(attempt) <= 16),
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (issuer, jti_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX assertion_jtis_expires_at ON assertion_jtis (issuer, expires_at);

CREATE TABLE grants (
  issuer INTEGER NOT NULL,
  id BLOB NOT NULL CHECK (octet_length(id) <= 16),
  birth BLOB NOT NULL CHECK (octet_length(birth) <= 8),
  state TEXT NOT NULL CHECK (octet_length(state) <= 16),
  client_id TEXT NOT NULL CHECK (octet_length(client_id) <= 255),
  client_incarnation BLOB NOT NULL CHECK (octet_length(client_incarnation) <= 8),
  subject TEXT NOT NULL CHECK (octet_length(subject) <= 255),
  session_id BLOB CHECK (octet_length(session_id) <= 16),
  decision BLOB NOT NULL CHECK (octet_length(decision) <= 16),
  grant_epoch INTEGER NOT NULL,
  session_epoch INTEGER NOT NULL,
  consent_epoch INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  superseded_at BLOB CHECK (octet_length(superseded_at) <= 256),
  attempt BLOB CHECK (octet_length(attempt) <= 16),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  row_version INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_subject ON grants (issuer, subject, client_id);

CREATE INDEX grants_session ON grants (issuer, session_id);

CREATE INDEX grants_expires_at ON grants (issuer, expires_at);

CREATE TABLE consents (
  issuer INTEGER NOT NULL,
  subject TEXT NOT NULL CHECK (octet_length(subject) <= 255),
  client_id TEXT NOT NULL CHECK (octet_length(client_id) <= 255),
  client_incarnation BLOB CHECK (octet_length(client_incarnation) <= 8),
  epoch INTEGER NOT NULL,
  grant_epoch INTEGER NOT NULL,
  source_grant_id BLOB CHECK (octet_length(source_grant_id) <= 16),
  expires_at INTEGER,
  row_version INTEGER NOT NULL,
  document BLOB,
  PRIMARY KEY (issuer, subject, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX consents_source_grant ON consents (issuer, source_grant_id);

CREATE INDEX consents_expires_at ON consents (issuer, expires_at);

CREATE TABLE sessions (
  issuer INTEGER NOT NULL,
  id BLOB NOT NULL CHECK (octet_length(id) <= 16),
  birth BLOB NOT NULL CHECK (octet_length(birth) <= 8),
  subject TEXT NOT NULL CHECK (octet_length(subject) <= 255),
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
  session_id BLOB NOT NULL CHECK (octet_length(session_id) <= 16),
  client_id TEXT NOT NULL CHECK (octet_length(client_id) <= 255),
  client_incarnation BLOB NOT NULL CHECK (octet_length(client_incarnation) <= 8),
  PRIMARY KEY (issuer, session_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE decisions (
  issuer INTEGER NOT NULL,
  id BLOB NOT NULL CHECK (octet_length(id) <= 16),
  expires_at INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX decisions_expires_at ON decisions (issuer, expires_at);
