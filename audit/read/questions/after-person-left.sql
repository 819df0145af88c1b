-- What happened in a person's name after they left, by any of their agents?
--   person String: e-mail, subject, owner or agent
--   left DateTime: when they left

SELECT ts, exchange, effect, agent, subject, email, owner, connection, method, path, rules
FROM decisions
WHERE (email = {person:String} OR owner = {person:String} OR subject = {person:String}
    OR agent = {person:String} OR has(act, {person:String}))
  AND ts >= {left:DateTime64(6, 'UTC')}
ORDER BY ts
LIMIT 10000
