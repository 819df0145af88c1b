-- Who used what, how much?
--   since DateTime = 90d: from then on
--   until DateTime = now: before then
-- From the sums per minute: fast over months, but not evidence.

SELECT agent, connection, sum(requests) AS requests, sum(allowed) AS allowed, sum(denied) AS denied, sum(held) AS held,
    sum(request_bytes) AS request_bytes, sum(response_bytes) AS response_bytes, sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens, sum(rows) AS rows, uniqExact(subject) AS subjects
FROM usage_minutes
WHERE minute >= {since:DateTime64(6, 'UTC')} AND minute < {until:DateTime64(6, 'UTC')}
GROUP BY agent, connection
ORDER BY requests DESC, agent, connection
