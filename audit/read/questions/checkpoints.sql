-- Which tree heads were signed?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT ts, gateway, size, lower(hex(root)) AS root, note
FROM checkpoints
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
ORDER BY size
LIMIT 10000
