-- Which held exchanges went on without a grant?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- There must be none.

SELECT d.ts AS ts, d.exchange AS exchange, d.agent AS agent, d.connection AS connection, d.rules AS rules, e.outcome AS outcome
FROM (SELECT * FROM decisions WHERE effect = 'hold' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}) AS d
INNER JOIN (SELECT exchange, outcome FROM exchanges WHERE outcome = 'answered') AS e ON e.exchange = d.exchange
WHERE d.exchange NOT IN (SELECT exchange FROM events WHERE kind = 'approval' AND type = 'approval.used')
ORDER BY ts
