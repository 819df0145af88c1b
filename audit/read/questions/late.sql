-- Which events reached the store much later than they happened?
--   seconds UInt32 = 300: how late is late
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT toStartOfHour(ts) AS hour, writer, count() AS events, max(dateDiff('second', ts, ingested)) AS latest_seconds
FROM events
WHERE dateDiff('second', ts, ingested) > {seconds:UInt32} AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
GROUP BY hour, writer
ORDER BY hour, writer
