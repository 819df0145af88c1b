-- What is recorded at all?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT kind, type, count() AS events, min(ts) AS first, max(ts) AS last
FROM events
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY kind, type
ORDER BY kind, type
