-- What was masked, by day and rule?
--   since DateTime = 30d: from then on
--   until DateTime = now: before then

SELECT toDate(ts) AS day, rule, sum(count) AS values
FROM maskings
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY day, rule
ORDER BY day, values DESC, rule
