CREATE TABLE clients (
  issuer BIGINT NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  incarnation VARBINARY(8) NOT NULL,
  token_epoch BIGINT NOT NULL,
  owner VARBINARY(255) NOT NULL,
  client_name VARBINARY(255) NOT NULL,
  row_version BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, client_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE subjects (
  issuer BIGINT NOT NULL,
  subject VARBINARY(255) NOT NULL,
  grant_epoch BIGINT NOT NULL,
  session_epoch BIGINT NOT NULL,
  PRIMARY KEY (issuer, subject)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE jwks (
  issuer BIGINT NOT NULL,
  set_name VARBINARY(255) NOT NULL,
  kid VARBINARY(255) NOT NULL,
  seal_key_id VARBINARY(4),
  created_at BIGINT NOT NULL,
  activates_at BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, set_name, kid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE jwk_claims (
  issuer BIGINT NOT NULL,
  set_name VARBINARY(255) NOT NULL,
  alg VARBINARY(32) NOT NULL,
  kid VARBINARY(255) NOT NULL,
  PRIMARY KEY (issuer, set_name, alg)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE revocation_events (
  issuer BIGINT NOT NULL,
  at BIGINT NOT NULL,
  id VARBINARY(16) NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE revocation_horizons (
  issuer BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (issuer)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE revoked_tokens (
  issuer BIGINT NOT NULL,
  token_id VARBINARY(16) NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, token_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE INDEX revoked_tokens_expires_at ON revoked_tokens (issuer, expires_at);

CREATE TABLE assertion_jtis (
  issuer BIGINT NOT NULL,
  jti_hash VARBINARY(32) NOT NULL,
  attempt VARBINARY(16) NOT NULL,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (issuer, jti_hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE INDEX assertion_jtis_expires_at ON assertion_jtis (issuer, expires_at);

CREATE TABLE grants (
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
  PRIMARY KEY (issuer, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE INDEX grants_subject ON grants (issuer, subject, client_id);

CREATE INDEX grants_client ON grants (issuer, client_id);

CREATE INDEX grants_expires_at ON grants (issuer, expires_at);

CREATE TABLE consents (
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
  PRIMARY KEY (issuer, subject, client_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE INDEX consents_source_grant ON consents (issuer, source_grant_id);

CREATE TABLE sessions (
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
  PRIMARY KEY (issuer, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE INDEX sessions_subject ON sessions (issuer, subject);

CREATE INDEX sessions_expires_at ON sessions (issuer, expires_at);

CREATE TABLE session_clients (
  issuer BIGINT NOT NULL,
  session_id VARBINARY(16) NOT NULL,
  client_id VARBINARY(255) NOT NULL,
  client_incarnation VARBINARY(8) NOT NULL,
  PRIMARY KEY (issuer, session_id, client_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE TABLE decisions (
  issuer BIGINT NOT NULL,
  id VARBINARY(16) NOT NULL,
  expires_at BIGINT NOT NULL,
  document MEDIUMBLOB NOT NULL,
  PRIMARY KEY (issuer, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

CREATE INDEX decisions_expires_at ON decisions (issuer, expires_at);
