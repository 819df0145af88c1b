-- Why were requests turned away before any rule was asked?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT code, status, connection, count() AS refusals, min(ts) AS first, max(ts) AS last
FROM decisions
WHERE effect = 'refused' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY code, status, connection
ORDER BY refusals DESC, code
