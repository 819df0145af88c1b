-- Which controls did decisions exercise?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT arrayJoin(controls) AS control, effect, count() AS decisions, arraySort(groupUniqArrayArray(rules)) AS by_rules
FROM decisions
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY control, effect
ORDER BY control, effect
