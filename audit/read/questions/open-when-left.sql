-- Which exchanges of a person went on after they had left?
--   person String: e-mail, subject, owner or agent
--   left DateTime: when they left
-- Decided before, ended later or never: what still came back to them.

SELECT d.ts AS ts, d.exchange AS exchange, d.agent AS agent, d.connection AS connection, d.effect AS effect,
    e.ended AS ended, e.outcome AS outcome, e.response_bytes AS response_bytes
FROM
(
    SELECT ts, exchange, agent, connection, effect FROM decisions
    WHERE (email = {person:String} OR owner = {person:String} OR subject = {person:String}
        OR agent = {person:String} OR has(act, {person:String}))
      AND effect IN ('allow', 'hold') AND ts < {left:DateTime64(6, 'UTC')}
) AS d
INNER JOIN
(
    SELECT exchange, max(ts) AS ended, any(JSONExtractString(body, 'data', 'outcome')) AS outcome,
        max(JSONExtractUInt(body, 'data', 'response_bytes')) AS response_bytes
    FROM events
    WHERE type = 'exchange.end' AND ts >= {left:DateTime64(6, 'UTC')}
    GROUP BY exchange
) AS e ON d.exchange = e.exchange
ORDER BY ended
