-- Which agent used a connection for the first time?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT agent, connection, min(ts) AS first, count() AS decisions, arraySort(groupUniqArray(effect)) AS effects
FROM decisions
WHERE agent != '' AND connection != ''
GROUP BY agent, connection
HAVING first >= {since:DateTime64(6, 'UTC')} AND first < {until:DateTime64(6, 'UTC')}
ORDER BY first
