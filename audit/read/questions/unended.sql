-- Which allowed exchanges never ended in the record?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- Those of the last minutes may still be going on; others ended with a process that was killed.

SELECT ts, exchange, effect, agent, connection, method, path
FROM exchanges
WHERE effect IN ('allow', 'hold') AND outcome = '' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
  AND exchange NOT IN (SELECT exchange FROM approvals WHERE state IN ('refused', 'expired', 'withdrawn', 'requested'))
ORDER BY ts
LIMIT 1000
