-- How many decisions were made each day, by effect?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT toDate(ts) AS day, effect, count() AS decisions
FROM decisions
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY day, effect
ORDER BY day, effect
