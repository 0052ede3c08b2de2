DROP TABLE IF EXISTS logout_outbox;
