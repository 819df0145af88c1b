-- What was masked, by rule, direction and connection?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT rule, operator, direction, connection, sum(count) AS values, uniqExact(exchange) AS exchanges, uniqExact(agent) AS agents
FROM maskings
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY rule, operator, direction, connection
ORDER BY values DESC, rule, direction, connection
