-- Who may do what with the evidence on a ClickHouse server. Run by an administrator, before `exeat audit migrate`;
-- safe to run again. `accounts.sh` runs it and makes one user per role, with passwords from files.
-- The embedded store has the same four accounts and gives them the same (docs/architecture.md says where it cannot).

CREATE ROLE IF NOT EXISTS exeat_writes, exeat_audits, exeat_migrates, exeat_prunes;

-- The shipper adds, and reads back what it added. It can neither change nor remove: no ALTER, DROP, TRUNCATE, OPTIMIZE.
-- What is derived (usage_minutes) is filled by its view, with the rights of the migrator who made it.
GRANT SELECT ON audit.* TO exeat_writes;
GRANT INSERT ON audit.events TO exeat_writes;
GRANT INSERT ON audit.frames TO exeat_writes;
GRANT INSERT ON audit.checkpoints TO exeat_writes;

-- People and reports. `readonly = 1` also keeps them from changing the limits below.
GRANT SELECT ON audit.* TO exeat_audits;
CREATE SETTINGS PROFILE IF NOT EXISTS exeat_audits SETTINGS
    readonly = 1, max_execution_time = 60, max_memory_usage = 4294967296, max_bytes_before_external_group_by = 1073741824,
    max_bytes_before_external_sort = 1073741824, max_concurrent_queries_for_user = 8,
    join_algorithm = 'full_sorting_merge,hash'
    TO exeat_audits;
CREATE QUOTA IF NOT EXISTS exeat_audits KEYED BY user_name
    FOR INTERVAL 1 hour MAX queries = 5000, execution_time = 1800
    TO exeat_audits;

-- `exeat audit migrate`: makes and extends, never removes. DROP VIEW is for CREATE OR REPLACE VIEW.
GRANT SELECT, INSERT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER ADD COLUMN, ALTER ADD INDEX
    ON audit.* TO exeat_migrates;

-- `exeat audit prune`: whole partitions. ClickHouse has no grant for DROP PARTITION alone; it asks for ALTER DELETE.
GRANT SELECT ON audit.* TO exeat_prunes;
GRANT ALTER DELETE ON audit.events TO exeat_prunes;
GRANT ALTER DELETE ON audit.frames TO exeat_prunes;

-- Row policies. Once a table has one, whoever has none sees nothing: so everybody who sees all says so.
CREATE ROW POLICY IF NOT EXISTS exeat_all ON audit.events USING 1 TO exeat_writes, exeat_audits, exeat_migrates, exeat_prunes;
CREATE ROW POLICY IF NOT EXISTS exeat_all ON audit.frames USING 1 TO exeat_writes, exeat_audits, exeat_migrates, exeat_prunes;

-- An auditor of one connection and nothing else gets a role of its own instead of exeat_audits:
--   CREATE ROLE exeat_audits_ledger SETTINGS PROFILE exeat_audits;
--   GRANT SELECT ON audit.* TO exeat_audits_ledger;
--   CREATE ROW POLICY exeat_ledger ON audit.events USING connection = 'ledger' TO exeat_audits_ledger;
--   CREATE ROW POLICY exeat_ledger ON audit.frames
--       USING (writer, seq) IN (SELECT writer, seq FROM audit.events WHERE connection = 'ledger') TO exeat_audits_ledger;
-- Such an auditor cannot run `exeat audit verify`: a log with rows left out is not the log that was signed.

-- Several shards (`clickhouse.all_shards = "audit_all"`): a second database that reads all of them and stores nothing.
--   GRANT SELECT ON audit_all.* TO exeat_audits;
--   GRANT SELECT, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP VIEW, ALTER ADD COLUMN, ALTER ADD INDEX
--       ON audit_all.* TO exeat_migrates;
--   GRANT REMOTE ON *.* TO exeat_migrates;
--   GRANT CLUSTER ON *.* TO exeat_migrates;
-- Give the cluster a <secret>, so that each shard sees the user who asks and these roles and row policies hold there;
-- make the accounts on every shard.
