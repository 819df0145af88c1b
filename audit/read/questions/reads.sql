-- Who read the record?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT ts, issuer, subject, type, session, exchange, JSONExtractString(body, 'data', 'sql') AS sql,
    JSONExtractRaw(body, 'data', 'parameters') AS parameters
FROM events
WHERE kind = 'read' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
ORDER BY ts
LIMIT 10000
