-- Which exchanges went through under a break-glass rule?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- A break-glass rule is one whose name says so.

SELECT ts, exchange, effect, agent, subject, email, owner, connection, method, path, rules, justification
FROM decisions
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')} AND arrayExists(rule -> rule ILIKE '%break%glass%', rules)
ORDER BY ts
