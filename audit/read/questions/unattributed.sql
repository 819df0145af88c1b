-- Which decisions name no caller, no rule or no snapshot though they were decided?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- There must be none.

SELECT ts, exchange, effect, issuer, subject, agent, rules, snapshot, input_hash
FROM decisions
WHERE effect IN ('allow', 'deny', 'hold') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
  AND (subject = '' OR issuer = '' OR empty(rules) OR snapshot = '' OR input_hash = '')
ORDER BY ts
LIMIT 1000
