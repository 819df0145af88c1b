-- What gateways share of approvals. `house` is one row: who has locked it takes the next positions of the log.
CREATE TABLE house (single bool PRIMARY KEY DEFAULT true CHECK (single), database text NOT NULL, pos bigint NOT NULL);
INSERT INTO house (database, pos) VALUES (gen_random_uuid()::text, 0);

-- Every fact of every gateway, in one order without gaps. It is the outbox, too: a gateway records the events of its own.
CREATE TABLE log (
  pos bigint PRIMARY KEY, gateway text NOT NULL, kind text NOT NULL, id text NOT NULL, n int NOT NULL,
  exchange text NOT NULL, body bytea NOT NULL, UNIQUE (kind, id, n));
CREATE INDEX log_by_gateway ON log (gateway, pos);

CREATE TABLE cards (id text PRIMARY KEY, state text NOT NULL, open bool NOT NULL, changed_us bigint NOT NULL);
CREATE INDEX cards_by_change ON cards (open, changed_us);
CREATE TABLE shown (id text PRIMARY KEY, media text NOT NULL, content bytea NOT NULL);
CREATE TABLE deliveries (
  notifier text NOT NULL, note text NOT NULL, at_us bigint NOT NULL, PRIMARY KEY (notifier, note));

-- `drained`: up to where a gateway has recorded its own; `seen`: when its approvals process last said that it lives.
CREATE TABLE gateways (id text PRIMARY KEY, drained bigint NOT NULL, seen timestamptz NOT NULL);
