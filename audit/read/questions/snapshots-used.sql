-- Under which policy revisions was decided?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT snapshot, count() AS decisions, countIf(effect = 'allow') AS allowed, countIf(effect = 'deny') AS denied,
    countIf(effect = 'hold') AS held, min(ts) AS first, max(ts) AS last
FROM decisions
WHERE snapshot != '' AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY snapshot
ORDER BY first
