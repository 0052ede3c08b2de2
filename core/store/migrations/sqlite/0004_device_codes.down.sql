DROP TABLE IF EXISTS device_codes;
