-- What was decided, by which rule, how often?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT effect, arrayJoin(if(empty(rules), [code], rules)) AS rule, count() AS decisions, uniqExact(agent) AS agents,
    min(ts) AS first, max(ts) AS last
FROM decisions
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY effect, rule
ORDER BY decisions DESC, effect, rule
