-- When did parts of the record itself fail?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then

SELECT ts, writer, type, body
FROM events
WHERE kind = 'lifecycle' AND type NOT IN ('lifecycle.start', 'lifecycle.stop', 'lifecycle.heartbeat') AND ts >= {since:DateTime64(6, 'UTC')} AND ts < {until:DateTime64(6, 'UTC')}
ORDER BY ts
LIMIT 1000
