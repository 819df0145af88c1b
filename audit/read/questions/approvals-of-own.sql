-- Did anybody grant what they or their own agent had asked for?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- There must be none: the requester and the agent's owner never count.

SELECT requested_at, approval, exchange, agent, subject, owner, granted_by, rule, reason
FROM approvals
WHERE (has(granted_by, owner) OR has(granted_by, subject)) AND length(granted_by) > 0
  AND requested_at >= {since:DateTime64(6, 'UTC')} AND requested_at < {until:DateTime64(6, 'UTC')}
ORDER BY requested_at
