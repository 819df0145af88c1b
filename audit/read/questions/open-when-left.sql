-- Which exchanges of a person went on after they had left?
--   person String: e-mail, subject, owner or agent
--   left DateTime: when they left
-- Decided before, ended later or never: what still came back to them. One that was lost with its process has the time
-- at which that was said. What was held and not let out by then is none.

SELECT d.ts AS ts, d.exchange AS exchange, d.agent AS agent, d.connection AS connection, d.effect AS effect,
    e.ended AS ended, e.outcome AS outcome, e.response_bytes AS response_bytes
FROM
(
    SELECT ts, exchange, agent, connection, effect FROM decisions
    WHERE (email = {person:String} OR owner = {person:String} OR subject = {person:String}
        OR agent = {person:String} OR has(act, {person:String}))
      AND effect IN ('allow', 'hold') AND ts < {left:DateTime64(6, 'UTC')}
) AS d
LEFT JOIN
(
    SELECT exchange, toNullable(argMax(ts, (type = 'exchange.end', ts))) AS ended,
        argMax(JSONExtractString(body, 'data', 'outcome'), (type = 'exchange.end', ts)) AS outcome,
        max(JSONExtractUInt(body, 'data', 'response_bytes')) AS response_bytes
    FROM events
    WHERE type IN ('exchange.end', 'exchange.lost') AND exchange IN
    (
        SELECT exchange FROM decisions
        WHERE email = {person:String} OR owner = {person:String} OR subject = {person:String}
            OR agent = {person:String} OR has(act, {person:String})
    )
    GROUP BY exchange
) AS e ON d.exchange = e.exchange
WHERE ended >= {left:DateTime64(6, 'UTC')} OR (ended IS NULL
    AND (effect = 'allow' OR exchange IN (SELECT exchange FROM events WHERE type = 'approval.used')))
ORDER BY ended, ts
