-- The counters of usage/tables.py, which says what the columns are, for several gateways.
CREATE TABLE cells (
  key bytea NOT NULL, grain bigint NOT NULL, at bigint NOT NULL,
  n_requests bigint NOT NULL, n_denied bigint NOT NULL, n_input_tokens bigint NOT NULL, n_output_tokens bigint NOT NULL,
  n_request_bytes bigint NOT NULL, n_response_bytes bigint NOT NULL, n_rows bigint NOT NULL, n_values bigint NOT NULL,
  PRIMARY KEY (key, grain, at));
CREATE INDEX cells_by_age ON cells (grain, at);

-- `gateway`: whose evidence says that an exchange was lost; each connection names its own.
CREATE TABLE reservations (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, exchange text NOT NULL UNIQUE, who text NOT NULL,
  gateway text NOT NULL DEFAULT current_setting('exeat.gateway'),
  expires_us bigint NOT NULL, sent int NOT NULL, lost int NOT NULL, told int NOT NULL,
  identity bytea NOT NULL, agent bytea NOT NULL, session bytea NOT NULL, connection bytea NOT NULL,
  r_requests bigint NOT NULL, r_denied bigint NOT NULL, r_input_tokens bigint NOT NULL, r_output_tokens bigint NOT NULL,
  r_request_bytes bigint NOT NULL, r_response_bytes bigint NOT NULL, r_rows bigint NOT NULL, r_values bigint NOT NULL,
  c_requests bigint NOT NULL, c_denied bigint NOT NULL, c_input_tokens bigint NOT NULL, c_output_tokens bigint NOT NULL,
  c_request_bytes bigint NOT NULL, c_response_bytes bigint NOT NULL, c_rows bigint NOT NULL, c_values bigint NOT NULL);
CREATE INDEX reservations_by_expiry ON reservations (lost, expires_us);

CREATE TABLE sightings (key bytea NOT NULL, token bytea NOT NULL, last_us bigint NOT NULL, PRIMARY KEY (key, token));
CREATE INDEX sightings_by_age ON sightings (last_us);
