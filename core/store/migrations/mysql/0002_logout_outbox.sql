CREATE TABLE IF NOT EXISTS logout_outbox (
  issuer BIGINT NOT NULL,
  id VARBINARY(16) NOT NULL,
  due_at BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  lease VARBINARY(16),
  expires_at BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, id),
  KEY logout_outbox_due_at (issuer, due_at),
  KEY logout_outbox_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
