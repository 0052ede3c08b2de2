DROP TABLE IF EXISTS trusted_issuers;
