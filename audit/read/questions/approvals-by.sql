-- What did one person grant or refuse?
--   person String: e-mail or subject of the approver
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT requested_at, decided_at, approval, exchange, state, agent, owner, connection, rule, message, justification,
    granted_by, refused_by, reason
FROM approvals
WHERE (has(granted_by, {person:String}) OR refused_by = {person:String})
  AND requested_at >= {since:DateTime64(6, 'UTC')} AND requested_at < {until:DateTime64(6, 'UTC')}
ORDER BY requested_at
