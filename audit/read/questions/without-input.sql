-- Which decisions have lost what they were decided on?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- After `exeat audit prune` of frames these are those that were pruned; else there must be none.

SELECT ts, exchange, effect, agent, input_hash
FROM decisions
WHERE effect IN ('allow', 'deny', 'hold') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
  AND (writer, seq) NOT IN (SELECT writer, seq FROM frames WHERE direction = 'input')
ORDER BY ts
LIMIT 1000
