-- Who approved or refused what, when and why?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT requested_at, decided_at, approval, exchange, state, agent, owner, connection, rule, justification,
    granted_by, refused_by, reason
FROM approvals
WHERE requested_at >= {since:DateTime64(6, 'UTC')} AND requested_at < {until:DateTime64(6, 'UTC')}
ORDER BY requested_at
