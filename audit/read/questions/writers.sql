-- Which writers recorded, and how did they start and end?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT writer, count() AS events, min(seq) AS first_seq, max(seq) AS last_seq, countIf(type = 'lifecycle.start') AS starts,
    countIf(type = 'lifecycle.stop') AS stops,
    countIf(type = 'lifecycle.start' AND seq > 1 AND NOT JSONExtractBool(body, 'data', 'previous_stopped')) AS crashes,
    min(ts) AS first, max(ts) AS last
FROM events
WHERE ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY writer
ORDER BY writer
