-- What happened in a person's name after they left, by any of their agents?
--   person String: e-mail, subject, owner or agent
--   left DateTime: when they left
-- What was let through comes first, so that no number of denials pushes it out of the list.

SELECT ts, exchange, effect, agent, subject, email, owner, connection, method, path, rules
FROM decisions
WHERE (email = {person:String} OR owner = {person:String} OR subject = {person:String}
    OR agent = {person:String} OR has(act, {person:String}))
  AND ts >= {left:DateTime64(6, 'UTC')}
ORDER BY effect IN ('deny', 'refused'), ts
LIMIT 10000
