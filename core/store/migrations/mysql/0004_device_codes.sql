CREATE TABLE IF NOT EXISTS device_codes (
  issuer BIGINT NOT NULL,
  user_code_hash VARBINARY(32) NOT NULL,
  birth VARBINARY(8) NOT NULL,
  state VARBINARY(16) NOT NULL,
  grant_id VARBINARY(16),
  poll_interval BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, user_code_hash),
  KEY device_codes_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
