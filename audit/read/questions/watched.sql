-- What would rules and connections that only watch (mode: shadow) have decided?
--   since DateTime = 30d: from then on
--   until DateTime = now: before then

SELECT connection, agent, effect,
    JSONExtractString(body, 'data', 'shadow', 'effect') AS would_be,
    arrayJoin(arrayMap(reason -> JSONExtractString(reason, 'rule'), JSONExtractArrayRaw(body, 'data', 'shadow', 'reasons'))) AS rule,
    count() AS decisions, min(ts) AS first, max(ts) AS last
FROM
(
    SELECT connection, agent, body, ts, JSONExtractString(body, 'data', 'effect') AS effect
    FROM events
    WHERE kind = 'decision' AND JSONHas(body, 'data', 'shadow')
        AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
)
GROUP BY connection, agent, effect, would_be, rule
ORDER BY decisions DESC, connection, agent, rule
