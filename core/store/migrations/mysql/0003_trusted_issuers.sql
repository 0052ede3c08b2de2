CREATE TABLE IF NOT EXISTS trusted_issuers (
  issuer BIGINT NOT NULL,
  iss_hash VARBINARY(32) NOT NULL,
  subject_hash VARBINARY(32) NOT NULL,
  kid VARBINARY(255) NOT NULL,
  id VARBINARY(16) NOT NULL,
  expires_at BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, iss_hash, subject_hash, kid),
  KEY trusted_issuers_id (issuer, id),
  KEY trusted_issuers_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
