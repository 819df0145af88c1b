-- Which grants were never used?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT requested_at, decided_at, approval, exchange, agent, owner, connection, rule, granted_by, reason
FROM approvals
WHERE state = 'granted' AND requested_at >= {since:DateTime64(6, 'UTC')} AND requested_at < {until:DateTime64(6, 'UTC')}
ORDER BY requested_at
