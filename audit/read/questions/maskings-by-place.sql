-- In which fields were sensitive values found?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT rule, place, direction, connection, sum(count) AS values
FROM maskings
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY rule, place, direction, connection
ORDER BY values DESC, rule, place
LIMIT 1000
