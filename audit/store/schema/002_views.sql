-- What people ask for, read from the base tables on every query: a view is a way to look, never the evidence.
-- Columns of audit.events pass through unchanged, so that filters on them reach the primary key and the indexes.

CREATE OR REPLACE VIEW audit.decisions AS
SELECT
    ts, exchange, session, effect,
    toUInt16(JSONExtractUInt(body, 'data', 'status')) AS status,
    JSONExtractString(body, 'data', 'code') AS code,
    connection, issuer, subject, agent, snapshot,
    JSONExtractString(body, 'data', 'identity', 'email') AS email,
    JSONExtract(body, 'data', 'identity', 'groups', 'Array(String)') AS groups,
    JSONExtract(body, 'data', 'identity', 'act', 'Array(String)') AS act,
    JSONExtractString(body, 'data', 'identity', 'owner') AS owner,
    JSONExtractString(body, 'data', 'identity', 'jti') AS jti,
    arrayMap(r -> JSONExtractString(r, 'rule'), JSONExtractArrayRaw(body, 'data', 'reasons')) AS rules,
    JSONExtractString(body, 'data', 'reasons', 1, 'message') AS message,
    arrayDistinct(arrayFlatten(arrayMap(r -> JSONExtract(r, 'controls', 'Array(String)'),
        JSONExtractArrayRaw(body, 'data', 'reasons')))) AS controls,
    JSONExtractString(body, 'data', 'method') AS method,
    JSONExtractString(body, 'data', 'path') AS path,
    JSONExtractString(body, 'data', 'action_kind') AS action_kind,
    JSONExtractString(body, 'data', 'model') AS model,
    JSONExtractString(body, 'data', 'justification') AS justification,
    JSONExtract(body, 'data', 'masking', 'Array(String)') AS masking,
    JSONExtractArrayRaw(body, 'data', 'findings') AS findings,
    JSONExtractString(body, 'data', 'input_hash') AS input_hash,
    JSONExtractString(body, 'data', 'request_digest') AS request_digest,
    type, gateway, writer, seq, log_index, event_id
FROM audit.events
WHERE kind = 'decision';

-- One row per masking finding; the value itself is nowhere, `token` is its keyed digest.
CREATE OR REPLACE VIEW audit.maskings AS
SELECT
    ts, exchange, session, connection, issuer, subject, agent,
    JSONExtractString(body, 'data', 'direction') AS direction,
    JSONExtractString(finding, 'rule') AS rule,
    JSONExtractString(finding, 'version') AS version,
    JSONExtractString(finding, 'operator') AS operator,
    JSONExtractString(finding, 'where') AS place,
    JSONExtractUInt(finding, 'count') AS count,
    JSONExtractString(finding, 'token') AS token,
    gateway, writer, seq, log_index
FROM audit.events
ARRAY JOIN JSONExtractArrayRaw(body, 'data', 'findings') AS finding
WHERE kind = 'masking';

-- The state of each approval, folded in the order of the one writer of approvals (time may go back, seq does not).
CREATE OR REPLACE VIEW audit.approvals AS
SELECT
    approval,
    argMax(f.state, f.seq) AS state,
    argMinIf(f.exchange, f.seq, f.step = 'requested') AS exchange,
    any(f.session) AS session,
    any(f.connection) AS connection,
    any(f.issuer) AS issuer,
    any(f.subject) AS subject,
    any(f.agent) AS agent,
    anyIf(f.owner, f.step = 'requested') AS owner,
    anyIf(f.rule, f.step = 'requested') AS rule,
    anyIf(f.message, f.step = 'requested') AS message,
    anyIf(f.justification, f.step = 'requested') AS justification,
    arraySort(groupUniqArrayIf(f.approver, f.step IN ('endorsed', 'granted'))) AS granted_by,
    anyIf(f.approver, f.step = 'refused') AS refused_by,
    argMaxIf(f.justification, f.seq, f.step IN ('endorsed', 'granted', 'refused')) AS reason,
    min(f.ts) AS requested_at,
    minIf(f.ts, f.step IN ('granted', 'refused', 'expired', 'withdrawn')) AS decided_at,
    max(f.ts) AS changed_at,
    arrayMap(s -> (s.2, s.3, s.4), arraySort(groupArray((f.seq, f.ts, f.step, f.approver)))) AS steps,
    gateway, writer
FROM
(
    SELECT
        JSONExtractString(body, 'data', 'approval') AS approval,
        JSONExtractString(body, 'data', 'state') AS state,
        replaceOne(type, 'approval.', '') AS step,
        if(JSONExtractString(body, 'data', 'approver', 'email') != '',
            JSONExtractString(body, 'data', 'approver', 'email'),
            JSONExtractString(body, 'data', 'approver', 'subject')) AS approver,
        JSONExtractString(body, 'data', 'owner') AS owner,
        JSONExtractString(body, 'data', 'rule') AS rule,
        JSONExtractString(body, 'data', 'message') AS message,
        JSONExtractString(body, 'data', 'justification') AS justification,
        ts, seq, exchange, session, connection, issuer, subject, agent, gateway, writer
    FROM audit.events
    WHERE kind = 'approval' AND startsWith(type, 'approval.')
) AS f
GROUP BY gateway, writer, approval;

-- One row per exchange: what was decided, and how it ended. The ends are narrowed before they are joined, because the
-- join keeps them in memory.
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
        JSONExtractUInt(body, 'data', 'duration_us') AS duration_us
    FROM audit.events
    WHERE kind = 'exchange' AND type = 'exchange.end'
) AS e
ON d.exchange = e.exchange;

-- The exchanges of one identity and agent under one session key.
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
WHERE kind = 'decision' AND session != ''
GROUP BY gateway, issuer, subject, agent, session;

-- Per minute: the history of what the counters of the running gateway hold.
CREATE OR REPLACE VIEW audit.usage AS
SELECT
    toStartOfMinute(ts) AS minute,
    connection, issuer, subject, agent,
    countIf(kind = 'decision') AS requests,
    countIf(kind = 'decision' AND effect = 'allow') AS allowed,
    countIf(kind = 'decision' AND effect IN ('deny', 'refused')) AS denied,
    countIf(kind = 'decision' AND effect = 'hold') AS held,
    sumIf(JSONExtractUInt(body, 'data', 'request_bytes'), kind = 'exchange') AS request_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'response_bytes'), kind = 'exchange') AS response_bytes,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'input_tokens'), kind = 'exchange') AS input_tokens,
    sumIf(JSONExtractUInt(body, 'data', 'usage', 'output_tokens'), kind = 'exchange') AS output_tokens,
    gateway
FROM audit.events
WHERE kind IN ('decision', 'exchange')
GROUP BY gateway, minute, connection, issuer, subject, agent;
