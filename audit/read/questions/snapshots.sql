-- Which policy revisions were published or refused?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT ts, type, JSONExtractString(body, 'data', 'snapshot') AS snapshot, JSONExtractString(body, 'data', 'previous') AS previous,
    JSONExtractString(body, 'data', 'commit') AS commit, JSONExtract(body, 'data', 'problems', 'Array(String)') AS problems
FROM events
WHERE kind = 'config' AND startsWith(type, 'snapshot.') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
ORDER BY ts
