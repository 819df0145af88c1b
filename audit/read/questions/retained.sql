-- How far back does the record reach, by class and month?

SELECT class, toYYYYMM(ts) AS month, count() AS events, formatReadableSize(sum(length(body))) AS bodies, min(ts) AS first, max(ts) AS last
FROM events
GROUP BY class, month
ORDER BY class, month
