-- Requests, effects, bytes and tokens per minute, summed while events arrive: for dashboards over months.
-- Derived, never evidence: a doubled or forged event is counted here as it came, and prune does not reach back into it.
-- audit.usage is the same from the base tables. Without fsync: what a crash takes from it can be asked of audit.usage.

CREATE TABLE IF NOT EXISTS audit.usage_minutes
(
    minute         DateTime('UTC'),
    gateway        LowCardinality(String),
    connection     LowCardinality(String),
    issuer         LowCardinality(String),
    subject        String,
    agent          LowCardinality(String),
    requests       SimpleAggregateFunction(sum, UInt64),
    allowed        SimpleAggregateFunction(sum, UInt64),
    denied         SimpleAggregateFunction(sum, UInt64),
    held           SimpleAggregateFunction(sum, UInt64),
    request_bytes  SimpleAggregateFunction(sum, UInt64),
    response_bytes SimpleAggregateFunction(sum, UInt64),
    input_tokens   SimpleAggregateFunction(sum, UInt64),
    output_tokens  SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree
PARTITION BY toYYYYMM(minute)
ORDER BY (gateway, connection, agent, issuer, subject, minute);

CREATE MATERIALIZED VIEW IF NOT EXISTS audit.usage_minutes_feed TO audit.usage_minutes AS
SELECT
    toStartOfMinute(ts) AS minute,
    gateway, connection, issuer, subject, agent,
    countIf(kind = 'decision') AS requests,
    countIf(effect = 'allow') AS allowed,
    countIf(effect IN ('deny', 'refused')) AS denied,
    countIf(effect = 'hold') AS held,
    sumIf(JSONExtractUInt(body, 'data', 'request_bytes'), kind = 'exchange') AS request_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'response_bytes'), kind = 'exchange') AS response_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'input_tokens'), kind = 'exchange') AS input_tokens,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'output_tokens'), kind = 'exchange') AS output_tokens
FROM audit.events
WHERE kind IN ('decision', 'exchange')
GROUP BY minute, gateway, connection, issuer, subject, agent;
