CREATE TABLE logout_outbox (
  issuer INTEGER NOT NULL,
  id BLOB NOT NULL CHECK (octet_length(id) <= 16),
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  lease BLOB CHECK (octet_length(lease) <= 16),
  expires_at INTEGER NOT NULL,
  document BLOB NOT NULL,
  PRIMARY KEY (issuer, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX logout_outbox_due_at ON logout_outbox (issuer, due_at);

CREATE INDEX logout_outbox_expires_at ON logout_outbox (issuer, expires_at);
