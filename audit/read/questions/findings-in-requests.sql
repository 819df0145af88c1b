-- What sensitive content did agents try to send, and what was decided?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT agent, connection, JSONExtractString(finding, 'rule') AS rule, effect, count() AS requests,
    sum(JSONExtractUInt(finding, 'count')) AS values
FROM decisions
ARRAY JOIN findings AS finding
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY agent, connection, rule, effect
ORDER BY requests DESC, agent, connection, rule
