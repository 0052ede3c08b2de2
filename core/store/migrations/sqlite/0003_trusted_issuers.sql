CREATE TABLE trusted_issuers (
  issuer INTEGER NOT NULL,
  iss_hash BLOB NOT NULL CHECK (octet_length(iss_hash) <= 32),
  subject_hash BLOB NOT NULL CHECK (octet_length(subject_hash) <= 32),
  kid TEXT NOT NULL CHECK (octet_length(kid) <= 255),
  id BLOB NOT NULL CHECK (octet_length(id) <= 16),
  expires_at INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, iss_hash, subject_hash, kid)
) STRICT, WITHOUT ROWID;

CREATE INDEX trusted_issuers_id ON trusted_issuers (issuer, id);

CREATE INDEX trusted_issuers_expires_at ON trusted_issuers (issuer, expires_at);
