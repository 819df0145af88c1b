-- What was denied or refused, to whom and why?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT ts, exchange, effect, status, agent, subject, email, connection, method, path, rules, code, message
FROM decisions
WHERE effect IN ('deny', 'refused') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
ORDER BY ts
LIMIT 10000
