-- One row of audit.events is one leaf of the log: `body` is the hashed truth, the other columns are read from it.
-- Plain MergeTree, no TTL, no deduplication: a forged or doubled row stays visible as a finding of `exeat audit verify`.
-- The settings make an acknowledged insert, and every merge of it, durable on disk.
-- Partitions follow class and month, so that `exeat audit prune` drops whole partitions and touches nothing else:
-- 'record' is who asked, what was decided, who approved; 'traffic' is what it weighed and what was masked.

CREATE TABLE IF NOT EXISTS audit.events
(
    log_index  UInt64 CODEC(Delta(8), ZSTD(1)) COMMENT 'position in the signed log of the gateway, from 0',
    writer     LowCardinality(String) COMMENT '<role>.<8 hex>: one spool file',
    seq        UInt64 CODEC(Delta(8), ZSTD(1)) COMMENT 'gap-free per writer, from 1',
    epoch      UInt32 COMMENT 'start of the writer that made it',
    event_id   UUID,
    ts         DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kind       LowCardinality(String) COMMENT 'decision, approval, masking, frame, exchange, config, lifecycle, read',
    type       LowCardinality(String) COMMENT 'e.g. decision.allow',
    gateway    LowCardinality(String),
    exchange   String COMMENT 'one request and its response',
    session    String,
    connection LowCardinality(String),
    issuer     LowCardinality(String),
    subject    String,
    agent      LowCardinality(String),
    effect     LowCardinality(String) COMMENT 'allow, deny, hold or refused; empty for other kinds',
    snapshot   LowCardinality(String) COMMENT 'policy revision that decided',
    body       String CODEC(ZSTD(3)) COMMENT 'canonical JSON, exactly the bytes that were hashed',
    hash       FixedString(32) CODEC(NONE) COMMENT 'SHA-256 of body',
    prev       FixedString(32) CODEC(NONE) COMMENT 'hash of the same writer''s event seq - 1',
    ingested   DateTime64(3, 'UTC') DEFAULT now64(3) CODEC(Delta(8), ZSTD(1)),
    class      LowCardinality(String) MATERIALIZED if(kind IN ('exchange', 'masking', 'frame'), 'traffic', 'record'),
    INDEX by_exchange exchange TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_subject subject TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_time ts TYPE minmax GRANULARITY 1,
    INDEX by_index log_index TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY (if(kind IN ('exchange', 'masking', 'frame'), 'traffic', 'record'), toYYYYMM(ts))
ORDER BY (writer, seq)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

-- A frame is a timed, masked piece of content; its event holds only sha256(salt || content), so that frames can be
-- pruned or masked again while the log still verifies.
CREATE TABLE IF NOT EXISTS audit.frames
(
    writer    LowCardinality(String),
    seq       UInt64 CODEC(Delta(8), ZSTD(1)) COMMENT 'the event that names this frame',
    ordinal   UInt32 COMMENT 'place among the frames of that event, from 0',
    exchange  String,
    session   String,
    direction LowCardinality(String) COMMENT 'request, response, input (what the rules saw) or shown (what an approver saw)',
    idx       UInt32 COMMENT 'order within exchange and direction, from 0',
    at        DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    media     LowCardinality(String),
    salt      FixedString(16) CODEC(NONE),
    sha256    FixedString(32) CODEC(NONE) COMMENT 'of salt || content, as the event names it',
    content   String CODEC(ZSTD(3)),
    INDEX by_exchange exchange TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(at)
ORDER BY (writer, seq, ordinal)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;

CREATE TABLE IF NOT EXISTS audit.checkpoints
(
    gateway LowCardinality(String),
    size    UInt64 COMMENT 'leaves under this root',
    root    FixedString(32) COMMENT 'RFC 6962 tree head',
    ts      DateTime64(6, 'UTC'),
    note    String COMMENT 'the signed note (C2SP tlog-checkpoint)'
)
ENGINE = MergeTree
ORDER BY (gateway, size)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1, old_parts_lifetime = 480;
