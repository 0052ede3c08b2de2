CREATE TABLE device_codes (
  issuer INTEGER NOT NULL,
  user_code_hash BLOB NOT NULL CHECK (octet_length(user_code_hash) <= 32),
  birth BLOB NOT NULL CHECK (octet_length(birth) <= 8),
  state TEXT NOT NULL CHECK (octet_length(state) <= 16),
  grant_id BLOB CHECK (octet_length(grant_id) <= 16),
  poll_interval INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, user_code_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX device_codes_expires_at ON device_codes (issuer, expires_at);
