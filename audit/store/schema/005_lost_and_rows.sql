-- An exchange that was given up as lost and ended after all counts once, by its end. What is lost is charged for what
-- left alone (`charged`), in audit.usage; usage_minutes, which cannot look back, counts only what ended.

CREATE OR REPLACE VIEW audit.usage AS
SELECT
    toStartOfMinute(ts) AS minute,
    connection, issuer, subject, agent, session,
    countIf(kind = 'decision') AS requests,
    countIf(kind = 'decision' AND effect = 'allow') AS allowed,
    countIf(kind = 'decision' AND effect IN ('deny', 'refused')) AS denied,
    countIf(kind = 'decision' AND effect = 'hold') AS held,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'requests') + JSONExtractUInt(body, 'data', 'charged', 'requests'),
        kind = 'exchange') AS let_out,
    sumIf(JSONExtractUInt(body, 'data', 'request_bytes') + JSONExtractUInt(body, 'data', 'charged', 'request_bytes'),
        kind = 'exchange') AS request_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'response_bytes'), kind = 'exchange') AS response_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'input_tokens')
        + JSONExtractUInt(body, 'data', 'charged', 'input_tokens'), kind = 'exchange') AS input_tokens,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'output_tokens'), kind = 'exchange') AS output_tokens,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'rows'), kind = 'exchange') AS rows,
    countIf(type = 'exchange.lost' OR (kind = 'exchange' AND JSONExtractBool(body, 'data', 'usage', 'estimated')))
        AS estimated,
    countIf(type = 'exchange.lost') AS lost,
    gateway
FROM audit.events
WHERE kind IN ('decision', 'exchange') AND (type != 'exchange.lost' OR exchange NOT IN
(
    SELECT exchange FROM audit.events WHERE type = 'exchange.end'
        AND exchange IN (SELECT exchange FROM audit.events WHERE type = 'exchange.lost')
))
GROUP BY gateway, minute, connection, issuer, subject, agent, session;

ALTER TABLE audit.usage_minutes ADD COLUMN IF NOT EXISTS rows SimpleAggregateFunction(sum, UInt64);

-- Beside the first feed, from now on: its rows merge with the other's of the same minute.
CREATE MATERIALIZED VIEW IF NOT EXISTS audit.usage_minutes_rows_feed TO audit.usage_minutes AS
SELECT
    toStartOfMinute(ts) AS minute,
    gateway, connection, issuer, subject, agent,
    sum(JSONExtractUInt(body, 'data', 'usage', 'rows')) AS rows
FROM audit.events
WHERE type = 'exchange.end'
GROUP BY minute, gateway, connection, issuer, subject, agent;

-- `last_at`: of the last decision or of the end of the last exchange, whichever came later.
CREATE OR REPLACE VIEW audit.sessions AS
SELECT
    session, issuer, subject, agent,
    min(ts) AS started_at,
    max(ts) AS last_at,
    uniqExact(exchange) AS exchanges,
    countIf(effect = 'allow') AS allowed,
    countIf(effect = 'deny') AS denied,
    countIf(effect = 'hold') AS held,
    countIf(effect = 'refused') AS refused,
    arraySort(groupUniqArray(connection)) AS connections,
    gateway
FROM audit.events
WHERE kind IN ('decision', 'exchange') AND session != ''
GROUP BY gateway, issuer, subject, agent, session;
