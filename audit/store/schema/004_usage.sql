-- What answers weighed: rows, and whether a number is an estimate. exchange.lost is what was let out and never ended.

CREATE OR REPLACE VIEW audit.usage AS
SELECT
    toStartOfMinute(ts) AS minute,
    connection, issuer, subject, agent, session,
    countIf(kind = 'decision') AS requests,
    countIf(kind = 'decision' AND effect = 'allow') AS allowed,
    countIf(kind = 'decision' AND effect IN ('deny', 'refused')) AS denied,
    countIf(kind = 'decision' AND effect = 'hold') AS held,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'requests'), kind = 'exchange') AS let_out,
    sumIf(JSONExtractUInt(body, 'data', 'request_bytes'), kind = 'exchange') AS request_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'response_bytes'), kind = 'exchange') AS response_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'input_tokens'), kind = 'exchange') AS input_tokens,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'output_tokens'), kind = 'exchange') AS output_tokens,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'rows'), kind = 'exchange') AS rows,
    countIf(kind = 'exchange' AND JSONExtractBool(body, 'data', 'usage', 'estimated')) AS estimated,
    gateway
FROM audit.events
WHERE kind IN ('decision', 'exchange')
GROUP BY gateway, minute, connection, issuer, subject, agent, session;

CREATE OR REPLACE VIEW audit.exchanges AS
SELECT
    d.ts AS ts, d.exchange AS exchange, d.session AS session, d.effect AS effect, d.connection AS connection,
    d.issuer AS issuer, d.subject AS subject, d.agent AS agent, d.snapshot AS snapshot,
    JSONExtractString(d.body, 'data', 'method') AS method,
    JSONExtractString(d.body, 'data', 'path') AS path,
    JSONExtractString(d.body, 'data', 'model') AS model,
    JSONExtractString(d.body, 'data', 'reasons', 1, 'message') AS message,
    e.outcome AS outcome, e.code AS code,
    if(e.outcome = '', toUInt16(JSONExtractUInt(d.body, 'data', 'status')), e.status) AS status,
    e.request_bytes AS request_bytes, e.response_bytes AS response_bytes, e.duration_us AS duration_us,
    e.input_tokens AS input_tokens, e.output_tokens AS output_tokens, e.rows AS rows, e.estimated AS estimated,
    d.gateway AS gateway, d.writer AS writer, d.seq AS seq, d.log_index AS log_index
FROM (SELECT * FROM audit.events WHERE kind = 'decision') AS d
LEFT ANY JOIN
(
    SELECT
        exchange,
        toLowCardinality(JSONExtractString(body, 'data', 'outcome')) AS outcome,
        toLowCardinality(JSONExtractString(body, 'data', 'code')) AS code,
        toUInt16(JSONExtractUInt(body, 'data', 'status')) AS status,
        JSONExtractUInt(body, 'data', 'request_bytes') AS request_bytes,
        JSONExtractUInt(body, 'data', 'response_bytes') AS response_bytes,
        JSONExtractUInt(body, 'data', 'duration_us') AS duration_us,
        JSONExtractUInt(body, 'data', 'usage', 'input_tokens') AS input_tokens,
        JSONExtractUInt(body, 'data', 'usage', 'output_tokens') AS output_tokens,
        JSONExtractUInt(body, 'data', 'usage', 'rows') AS rows,
        JSONExtractBool(body, 'data', 'usage', 'estimated') AS estimated
    FROM audit.events
    WHERE kind = 'exchange' AND type = 'exchange.end'
) AS e
ON d.exchange = e.exchange;
