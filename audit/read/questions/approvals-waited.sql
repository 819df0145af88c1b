-- How long did approvals wait for a person, by rule?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT rule, connection, count() AS asked, countIf(length(granted_by) > 0) AS granted, countIf(refused_by != '') AS refused,
    countIf(state = 'expired') AS expired, countIf(state = 'withdrawn') AS withdrawn,
    round(quantileIf(0.5)(dateDiff('millisecond', requested_at, decided_at), decided_at >= requested_at) / 1000, 1) AS p50_seconds,
    round(quantileIf(0.95)(dateDiff('millisecond', requested_at, decided_at), decided_at >= requested_at) / 1000, 1) AS p95_seconds
FROM approvals
WHERE requested_at >= {since:DateTime64(6, 'UTC')} AND requested_at < {until:DateTime64(6, 'UTC')}
GROUP BY rule, connection
ORDER BY asked DESC, rule, connection
