CREATE TABLE IF NOT EXISTS clients (
  issuer BIGINT NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  incarnation VARBINARY(8) NOT NULL,
  token_epoch BIGINT NOT NULL,
  owner VARBINARY(255) NOT NULL,
  client_name VARBINARY(1024) NOT NULL,
  row_version BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, client_id),
  KEY clients_owner (issuer, owner),
  KEY clients_name (issuer, client_name)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS subjects (
  issuer BIGINT NOT NULL,
  subject VARBINARY(255) NOT NULL,
  grant_epoch BIGINT NOT NULL,
  session_epoch BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS jwks (
  issuer BIGINT NOT NULL,
  set_name VARBINARY(255) NOT NULL,
  kid VARBINARY(255) NOT NULL,
  seal_key_id VARBINARY(4),
  created_at BIGINT NOT NULL,
  activates_at BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, set_name, kid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS jwk_claims (
  issuer BIGINT NOT NULL,
  set_name VARBINARY(255) NOT NULL,
  alg VARBINARY(32) NOT NULL,
  kid VARBINARY(255) NOT NULL,
  PRIMARY KEY (issuer, set_name, alg)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS revocation_events (
  issuer BIGINT NOT NULL,
  at BIGINT NOT NULL,
  id VARBINARY(16) NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS revocation_horizons (
  issuer BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (issuer)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS revoked_tokens (
  issuer BIGINT NOT NULL,
  token_id VARBINARY(16) NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, token_id),
  KEY revoked_tokens_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS assertion_jtis (
  issuer BIGINT NOT NULL,
  jti_hash VARBINARY(32) NOT NULL,
  attempt VARBINARY(16) NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, jti_hash),
  KEY assertion_jtis_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS grants (
  issuer BIGINT NOT NULL,
  id VARBINARY(16) NOT NULL,
  birth VARBINARY(8) NOT NULL,
  state VARBINARY(16) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  client_incarnation VARBINARY(8) NOT NULL,
  subject VARBINARY(255) NOT NULL,
  session_id VARBINARY(16),
  decision VARBINARY(16) NOT NULL,
  grant_epoch BIGINT NOT NULL,
  session_epoch BIGINT NOT NULL,
  consent_epoch BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  superseded_at VARBINARY(256),
  attempt VARBINARY(16),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  row_version BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, id),
  KEY grants_subject (issuer, subject, client_id),
  KEY grants_session (issuer, session_id),
  KEY grants_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS consents (
  issuer BIGINT NOT NULL,
  subject VARBINARY(255) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  client_incarnation VARBINARY(8),
  epoch BIGINT NOT NULL,
  grant_epoch BIGINT NOT NULL,
  source_grant_id VARBINARY(16),
  expires_at BIGINT,
  row_version BIGINT NOT NULL,
  document MEDIUMBLOB,
  PRIMARY KEY (issuer, subject, client_id),
  KEY consents_source_grant (issuer, source_grant_id),
  KEY consents_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS sessions (
  issuer BIGINT NOT NULL,
  id VARBINARY(16) NOT NULL,
  birth VARBINARY(8) NOT NULL,
  subject VARBINARY(255) NOT NULL,
  session_epoch BIGINT NOT NULL,
  authenticated_at BIGINT NOT NULL,
  remember BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  row_version BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, id),
  KEY sessions_subject (issuer, subject),
  KEY sessions_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS session_clients (
  issuer BIGINT NOT NULL,
  session_id VARBINARY(16) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  client_incarnation VARBINARY(8) NOT NULL,
  PRIMARY KEY (issuer, session_id, client_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE IF NOT EXISTS decisions (
  issuer BIGINT NOT NULL,
  id VARBINARY(16) NOT NULL,
  expires_at BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, id),
  KEY decisions_expires_at (issuer, expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
